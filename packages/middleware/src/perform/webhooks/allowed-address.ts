import { BlockList, isIP } from 'node:net';

/** Why a webhook must not go to a URL, for people; undefined where it may. Pure. */
export function whyNotAllowed(
  url: string,
  { allow, privateAddresses }: { readonly allow: readonly string[]; readonly privateAddresses: boolean },
): string | undefined {
  if (!URL.canParse(url)) return 'it is no absolute URL';
  const asked = new URL(url);
  if (asked.protocol !== 'https:' && asked.protocol !== 'http:') return 'it is neither https nor http';
  if (asked.username !== '' || asked.password !== '') return 'it has a user name or password';
  if (!allow.some((prefix) => beginsWith(asked, new URL(prefix)))) return 'webhooks.allow does not have it';
  const host = asked.hostname.replace(/^\[|\]$/g, '');
  if (!privateAddresses && isIP(host) !== 0 && !isPublicAddress(host)) return notPublic;
  return undefined;
}

/** What is said of an address that is not public. */
export const notPublic = 'its address is not a public one, and webhooks.privateAddresses is false';

/** By whole segments: what allows /hooks does not allow /hooks-of-others. */
function beginsWith(url: URL, prefix: URL): boolean {
  if (url.origin !== prefix.origin) return false;
  const folder = prefix.pathname.endsWith('/') ? prefix.pathname : `${prefix.pathname}/`;
  return url.pathname === prefix.pathname || url.pathname.startsWith(folder);
}

/*
 * The special-purpose registries of IANA (RFC 6890 and its successors), with multicast, and the ranges that carry an IPv4 address
 * within an IPv6 one to wherever a gateway stands.
 */
const special4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
const special6: readonly [string, number][] = [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const special = new BlockList();
for (const [net, bits] of special4) special.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of special6) special.addSubnet(net, bits, 'ipv6');

const mapped = /^::ffff:/i;

/** Whether an IP address is one of the public Internet. What is no address is not. */
export function isPublicAddress(address: string): boolean {
  const [bare = ''] = address.split('%');
  const version = isIP(bare);
  if (version === 4) return !special.check(bare, 'ipv4');
  if (version !== 6) return false;
  const host = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  // An IPv4 address in the clothes of an IPv6 one: `::ffff:7f00:1`.
  if (mapped.test(host)) return isPublicAddress(ipv4In(host));
  return !special.check(bare, 'ipv6');
}

function ipv4In(host: string): string {
  const [high = 0, low = 0] = host
    .replace(mapped, '')
    .split(':')
    .map((part) => Number.parseInt(part, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
