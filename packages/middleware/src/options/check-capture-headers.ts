import { OptionContradictionError, OptionInvalidError } from './option-error.ts';
import type { Read } from './read-group.ts';
import { arrayOf } from './read-values.ts';
import { quoted } from './said.ts';

const credentials = ['authorization', 'cookie', 'proxy-authorization'];

/** With the above, what a replay never carries; a test compares them with the performer's own list. */
const ofConnection = [
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

const readHeader: Read<string> = (value, option) => {
  if (typeof value !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(value)) {
    throw new OptionInvalidError(option, value, 'give the name of a header, such as x-tenant');
  }
  const name = value.toLowerCase();
  if (credentials.includes(name)) {
    throw new OptionContradictionError(
      option,
      `${quoted(value)} is a credential, which is never kept; carry who was authenticated by capture and restore`,
    );
  }
  if (ofConnection.includes(name)) {
    throw new OptionContradictionError(
      option,
      `${quoted(value)} belongs to one connection, and a replay has its own; leave it out`,
    );
  }
  return name;
};

const readHeaders = arrayOf(readHeader, 64, "give an array of names, ['x-tenant']");

/** Names of headers in lower case (RFC 9110: they mean the same), each once. */
export const readCaptureHeaders: Read<readonly string[]> = (value, option) => [
  ...new Set(readHeaders(value, option)),
];
