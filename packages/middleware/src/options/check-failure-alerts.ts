import type { FailureRule } from '../operations/failure-rule.ts';
import type { MonitorTarget } from '../perform/webhooks/webhook-types.ts';
import { readSecret, readUrl, secretAdvice } from './check-webhooks.ts';
import { type FailureAlertOptions, failureAlertDefaults } from './failure-alert-options.ts';
import { OptionMissingError } from './option-error.ts';
import { entriesOf, type Read, type Readers, readGroup, within } from './read-group.ts';
import { arrayOf, milliseconds, number, text } from './read-values.ts';
import type { MonitorOptions } from './webhook-options.ts';

const mostAlerts = 1_000;
const taskCharacters = 200;
const alertAdvice = "give an object, { task: 'charge card', count: 10, windowMs: 300_000 }";

const alertReaders: Readers<FailureAlertOptions> = {
  task: text(taskCharacters),
  count: number({ from: 1, to: 10_000, of: 'failures' }),
  windowMs: milliseconds(1_000, 86_400_000),
};

const readAlert: Read<FailureRule> = (value, option) => {
  const given = readGroup<FailureAlertOptions>(value, option, alertReaders, { advice: alertAdvice });
  const { task = '*', count, windowMs } = given;
  if (count === undefined) {
    throw new OptionMissingError(within(option, 'count'), 'say how many failures are not yet too many');
  }
  if (windowMs === undefined) {
    throw new OptionMissingError(within(option, 'windowMs'), 'say within how many milliseconds');
  }
  return { task: task === '*' ? undefined : task, count, windowMs };
};

/** The option `failureAlerts`. */
export const readFailureAlerts: Read<readonly FailureRule[]> = arrayOf(
  readAlert,
  mostAlerts,
  'give a list, [{ count: 10, windowMs: 300_000 }]; an empty one for no alerts',
);

/** What counts where `failureAlerts` is left out. */
export const defaultFailureRules: readonly FailureRule[] = readFailureAlerts(
  failureAlertDefaults,
  'failureAlerts',
);

const monitorReaders: Readers<Omit<MonitorOptions, 'secret'> & Pick<MonitorTarget, 'secret'>> = {
  url: readUrl,
  secret: readSecret,
};

/** The option `monitors`. */
export const readMonitors: Read<ReadonlyMap<string, MonitorTarget>> = (value, option) => {
  const advice =
    "give monitors by type of task, { 'charge card': { url: 'https://hooks.example/', secret } }";
  const readTask = text(taskCharacters, 'types of tasks');
  return new Map(
    entriesOf(value, option, advice).map(([task, one]) => [
      readTask(task, option),
      readMonitor(one, within(option, task)),
    ]),
  );
};

const readMonitor: Read<MonitorTarget> = (value, option) => {
  const advice =
    "give an object, { url: 'https://hooks.example/slackwater', secret: process.env.WEBHOOK_SECRET }";
  const { url, secret } = readGroup(value, option, monitorReaders, { advice });
  if (url === undefined) throw new OptionMissingError(within(option, 'url'), 'say where to; give a URL');
  if (secret === undefined) {
    throw new OptionMissingError(
      within(option, 'secret'),
      `receivers must know whom it comes from; ${secretAdvice}`,
    );
  }
  return { url, secret };
};
