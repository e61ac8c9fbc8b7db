import { describe, expect, it } from 'vitest';
import {
  isPublicAddress,
  whyNotAllowed,
} from '../../../../packages/middleware/src/perform/webhooks/allowed-address.ts';

describe('an address', () => {
  it.each(['1.1.1.1', '93.184.216.34', '223.255.255.255', '2606:4700:4700::1111', '::ffff:1.1.1.1'])(
    '%s is public',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    ...['127.0.0.1', '127.255.0.9', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ...['169.254.169.254', '100.64.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '192.0.2.7'],
    ...[
      '::1',
      '::',
      'fe80::1',
      'fe80::1%eth0',
      'fc00::1',
      'fd12::9',
      'ff02::1',
      '2001:db8::1',
      '64:ff9b::7f00:1',
    ],
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:10.0.0.1', '::ffff:a9fe:a9fe', '2002:7f00:1::'],
    ...['::127.0.0.1', 'localhost', '', '1.1.1', '999.1.1.1'],
  ])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('a URL that webhooks may go to', () => {
  const allow = ['https://hooks.example', 'https://other.example/in/', 'http://127.0.0.1:8080/'];
  const why = (url: string, privateAddresses = false): string | undefined =>
    whyNotAllowed(url, { allow, privateAddresses });

  it.each([
    'https://hooks.example',
    'https://HOOKS.example/a?b=c',
    'https://other.example/in/1',
    'https://hooks.example:443/',
  ])('is %s', (url) => expect(why(url)).toBeUndefined());

  it.each([
    'http://hooks.example/',
    'https://hooks.example:8443/',
    'https://hooks.example.evil.example/',
    'https://hooks.example@evil.example/',
    'https://evil.example/?https://hooks.example/',
    'https://other.example/',
    'https://other.example/inside',
    'https://other.example/in/../out',
    'https://other.example/in/%2e%2e/out',
    'https://user:secret@hooks.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '//hooks.example/',
    'hooks.example',
    '',
  ])('is not %s', (url) => expect(why(url)).toEqual(expect.any(String)));

  it('has a private address only where those are allowed too, however that is written', () => {
    expect(why('http://127.0.0.1:8080/a', true)).toBeUndefined();
    for (const host of ['127.0.0.1', '0x7f.1', '2130706433', '017700000001', '127.1']) {
      expect(why(`http://${host}:8080/a`)).toContain('not a public one');
    }
    expect(why('http://[::1]:8080/a', true)).toContain('webhooks.allow');
  });
});
