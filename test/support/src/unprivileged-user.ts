import { existsSync, readFileSync } from 'node:fs';

/** As whom a program is started, as `spawn` wants it. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who runs a server that is not to run as root; undefined where this process is not root. The first of the names
 * that this system has; rejects with one sentence where it has none.
 */
export function unprivilegedUser(server: string, names: readonly string[]): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : '';
  for (const name of names) {
    const [, , uid, gid] = (passwd.split('\n').find((line) => line.startsWith(`${name}:`)) ?? '').split(':');
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    `${server} can't be started: it refuses to run as root, and there is no user ${names.join(' or ')} to run it.`,
  );
}
