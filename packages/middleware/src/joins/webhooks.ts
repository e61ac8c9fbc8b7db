import { deferralResource, deferralUrls } from '../answer/deferral-resource.ts';
import { reversalOf, undoingOf } from '../answer/resources/find-deferral.ts';
import type { Clock } from '../clock.ts';
import type { OpenEngine } from '../engines/engine.ts';
import type { Deferral } from '../ledger/deferral.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import { OptionContradictionError } from '../options/option-error.ts';
import { within } from '../options/read-group.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import type { PerformerEvent } from '../perform/performer-events.ts';
import { whyNotAllowed } from '../perform/webhooks/allowed-address.ts';
import { startWebhooks, type WebhookSender } from '../perform/webhooks/webhook-sender.ts';
import {
  type WebhookDeferral,
  type WebhookPolicy,
  webhookEvents,
} from '../perform/webhooks/webhook-types.ts';

type WebhookOptionsOfGate = Pick<
  ResolvedOptions,
  'application' | 'workTypes' | 'webhooks' | 'monitors' | 'publicUrl' | 'basePath'
>;

/** Refuses URLs to which no webhook may ever go. Throws `option-invalid`. */
export function checkWebhookUrls({ workTypes, webhooks, monitors }: WebhookOptionsOfGate): void {
  for (const [task, { url }] of monitors) refuseUrl(webhooks, url, within(within('monitors', task), 'url'));
  for (const { name, webhook } of workTypes) {
    if (typeof webhook?.url !== 'string') continue;
    refuseUrl(webhooks, webhook.url, within(within(within('workTypes', name), 'webhook'), 'url'));
  }
}

function refuseUrl(policy: WebhookPolicy | undefined, url: string, option: string): void {
  const why = policy && whyNotAllowed(url, policy);
  if (why !== undefined) throw new OptionContradictionError(option, `no webhook may go there: ${why}`);
}

/** Whether a webhook may tell of it: then there is something to look for at once. */
export function isTold({ type }: PerformerEvent): boolean {
  return webhookEvents.some((event) => event === type);
}

/** Begins to send the webhooks of a group; undefined where there are none. */
export function groupWebhooks(
  options: WebhookOptionsOfGate,
  group: { readonly name: string; readonly keepOutcomeMs: number; readonly durable: 'fsync' | 'quorum' },
  { engine, ledger }: { readonly engine: OpenEngine; readonly ledger: Ledger },
  { tell }: Pick<GateVoice, 'tell'>,
  clock: Clock,
  trouble: (doing: string, error: unknown) => void,
): WebhookSender | undefined {
  const { webhooks: policy, workTypes, monitors, application, publicUrl, basePath } = options;
  const isAnyTold = monitors.size > 0 || workTypes.some(({ webhook }) => webhook !== undefined);
  if (policy === undefined || !isAnyTold) return undefined;
  const home = { application, group: group.name, durable: group.durable };
  const base = `${publicUrl ?? ''}${basePath}`;
  return startWebhooks({
    clock,
    log: engine.log,
    store: engine.store,
    ledger,
    policy,
    targetOf: (workType) => workTypes.find(({ name }) => name === workType)?.webhook,
    monitorOf: (task) => monitors.get(task) ?? monitors.get('*'),
    shown: async (deferral) => shownOf(deferral, await undoingOf(ledger, deferral), home, base),
    keptForMs: group.keepOutcomeMs,
    tell: (report) => tell('webhook', { ...report, group: group.name }),
    trouble,
    random: Math.random,
  });
}

/** Without what only its caller holds: the receipt, and the salt with which it proves what it sent. */
function shownOf(
  deferral: Deferral,
  undoing: Deferral | undefined,
  home: Parameters<typeof deferralResource>[0],
  base: string,
): WebhookDeferral {
  const nothing = { entry: new Uint8Array(), receipt: '' };
  const resource = deferralResource(
    home,
    deferral,
    nothing,
    deferralUrls(base, deferral.id),
    undoing && reversalOf(undoing),
  );
  const { receipt, entry, salt, error, ...shown } = resource;
  const { method, route, requester } = deferral;
  return { ...shown, ...(error && { error: { code: error.code } }), method, route, requester };
}
