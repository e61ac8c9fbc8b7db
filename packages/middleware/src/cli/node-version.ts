/** The oldest Node with which the commands work: the first that has SQLite without a flag. */
export const oldestNode = '22.13.0';

/** Why the commands can't run on a Node of that version, such as `20.20.2`; undefined when they can. */
export function refusalOfNode(version: string): string | undefined {
  const [major = 0, minor = 0] = numbersOf(version);
  const [leastMajor = 0, leastMinor = 0] = numbersOf(oldestNode);
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined;
  return `this is Node ${version}; Node ${oldestNode} or newer is needed`;
}

function numbersOf(version: string): readonly number[] {
  return version.split('.').map(Number);
}
