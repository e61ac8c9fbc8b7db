/** Hides every capability in a text, so that it can stand in a message or a log. */
export function redact(text: string): string {
  return text.replace(/(capability=)[^&#\s"'<>]*/gi, '$1[redacted]');
}
