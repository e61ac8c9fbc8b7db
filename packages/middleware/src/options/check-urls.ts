import { OptionContradictionError, OptionInvalidError } from './option-error.ts';
import type { Read } from './read-group.ts';

const segments = /^(?:\/[A-Za-z0-9._~-]+)+$/;
const upwards = /\/\.{1,2}(?:\/|$)/;

/** A path such as `/slackwater`: it begins with a slash, does not end with one, and means itself. */
export const readBasePath: Read<string> = (value, option) => {
  if (typeof value === 'string' && value.length <= 200 && segments.test(value) && !upwards.test(value))
    return value;
  throw new OptionInvalidError(
    option,
    value,
    'give a path such as /slackwater: a slash at its beginning and none at its end; letters, digits, dots, hyphens, underscores and tildes; no ..',
  );
};

/** An absolute http or https URL without credentials, query, fragment, and slash at its end. */
export const readPublicUrl: Read<string> = (value, option) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const example = 'give an absolute URL such as https://shop.example';
  if (typeof value !== 'string' || url === undefined || !/^https?:\/\//i.test(value)) {
    throw new OptionInvalidError(option, value, example);
  }
  if (url.username !== '' || url.password !== '') {
    throw new OptionContradictionError(
      option,
      `it has a user name or password, which callers would get; ${example}`,
    );
  }
  if (/[?#\s\\]/.test(value))
    throw new OptionInvalidError(option, value, `${example}, without query and fragment`);
  if (value.endsWith('/'))
    throw new OptionInvalidError(option, value, `${example}, without the slash at its end`);
  return value;
};
