import { checkPartsTogether } from './check-parts.ts';
import { OptionMissingError } from './option-error.ts';
import { within } from './read-group.ts';
import type { ResolvedOptions } from './resolved.ts';

/** Refuses options that need others beside them. Throws `option-missing`. */
export function checkTogether(options: ResolvedOptions): void {
  checkDeferring(options);
  checkPartsTogether(options);
  checkSharing(options);
  checkExplaining(options);
  checkTelling(options);
  const { capture, restore } = options;
  if ((capture === undefined) === (restore === undefined)) return;
  const [absent, present] = capture === undefined ? ['capture', 'restore'] : ['restore', 'capture'];
  throw new OptionMissingError(
    absent,
    `${present} is there, and they go together: capture(req) gives the identity, restore(req, captured) puts it back on the replay`,
  );
}

function checkExplaining({ explain, auth }: ResolvedOptions): void {
  if (explain !== 'scope' || auth !== undefined) return;
  throw new OptionMissingError(
    'auth',
    'explain is "scope", and without it there are no tokens whose scopes count; give auth, or say explain: "on" or "off"',
  );
}

function checkTelling({ workTypes, webhooks, groups, monitors }: ResolvedOptions): void {
  const telling = workTypes.find(({ webhook }) => webhook !== undefined);
  const [monitored] = monitors.keys();
  if (webhooks !== undefined && groups.length > 0) return;
  if (telling === undefined && monitored === undefined) return;
  const option =
    telling === undefined
      ? within('monitors', monitored ?? '')
      : within(within('workTypes', telling.name), 'webhook');
  if (webhooks !== undefined) {
    throw new OptionMissingError(
      'engine',
      `${option} is there, and without one nothing is recorded that it could tell of; give sqliteEngine({ directory: '.slackwater' })`,
    );
  }
  throw new OptionMissingError(
    'webhooks',
    `${option} is there, and nothing says to whom webhooks may go; give { allow: ['https://hooks.example/'] }`,
  );
}

function checkSharing({ shareLatency, groups }: ResolvedOptions): void {
  if (!shareLatency || groups.length > 0) return;
  throw new OptionMissingError(
    'engine',
    'shareLatency is true, and hosts tell each other their latency through the engine that they share: give all of them the same ' +
      'one, or leave shareLatency out, and each host goes by what it measures itself',
  );
}

function checkDeferring({ workTypes, requester, groups }: ResolvedOptions): void {
  const deferring = workTypes.find(({ whenOver }) => whenOver === 'defer');
  const absent = Object.entries({ requester, engine: groups[0] }).flatMap(([name, value]) =>
    value === undefined ? [name] : [],
  );
  const [first] = absent;
  if (deferring === undefined || first === undefined) return;
  throw new OptionMissingError(
    first,
    `${within(within('workTypes', deferring.name), 'whenOver')} is "defer", and ${absent.join(' and ')} ${absent.length === 1 ? 'is' : 'are'} not there. ` +
      'Deferring needs three decisions that only you can make: who a request is made for (requester: (req) => req.auth?.sub), ' +
      "where the ledger lives (engine: sqliteEngine({ directory: '.slackwater' })), and which work types may be deferred " +
      "(whenOver: 'defer'). Or say whenOver: 'retry-later'",
  );
}
