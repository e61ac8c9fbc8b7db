import type { Request } from 'express';
import type { OperationDesk } from '../answer/operations/contract.ts';
import { operationHandler } from '../answer/operations/handle-operation.ts';
import type { ItemHold } from '../decide/candidates/item-hold.ts';
import type { Operation } from '../operations/operation.ts';
import { type OperationStatus, statusOf } from '../operations/status.ts';
import { handlerTerms } from '../options/check-operation-handler.ts';
import type { GateOperations } from '../options/gate-operations.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { OperationChoice } from '../options/operation-handler.ts';
import { OptionMissingError } from '../options/option-error.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import { allowListed } from '../perform/capturable-headers.ts';
import type { Deciding } from './decide.ts';
import { Definitions } from './definitions.ts';
import type { GroupOperations } from './group-operations.ts';
import type { ResourceGroups } from './resource-groups.ts';
import { AnswerBook, labelsGiven } from './run-answers.ts';
import { RunDesk } from './run-desk.ts';
import { type GroupRunner, noSuchRun, Runners } from './runners.ts';

/** Under whose key the values of runs are sealed that are nobody's. */
const ownRequester = 'slackwater:operations';

/** The operations of a gate. */
export interface KeptOperations extends GateOperations, GroupOperations {
  readonly desk: Pick<Definitions, 'define' | 'find' | 'list' | 'remove'>;
  /** A partition may have recovered. */
  wake(): void;
  close(): Promise<void>;
}

/** Makes the place where a gate's operations are run: beside the ledgers of its groups. */
export function keepOperations(
  options: ResolvedOptions,
  deciding: Deciding & { readonly hold: ItemHold },
  voice: Pick<GateVoice, 'tell' | 'trouble'>,
  groups: () => ResourceGroups | undefined,
): KeptOperations {
  const answers = new AnswerBook();
  const runners = new Runners(options, deciding, voice, groups, {
    happened: (_, event) => desk.happened(event),
    settled: (group, id) => desk.settled(group, id),
  });
  const limits = { keepMs: options.ledger.keepOutcomeMs, maxOutcomeBytes: options.perform.maxOutcomeBytes };
  const changed = (deferral: string): void => groups()?.changed(deferral);
  const desk = new RunDesk({ runners, answers, voice, limits, changed });
  const definitions = new Definitions(runners);
  runners.learn = (name, version) => definitions.learn(name, version);
  const { known } = runners;
  const keptHeaders = new Set(options.captureHeaders);

  async function chosen(choice: OperationChoice, req: Request): Promise<Operation> {
    const named = typeof choice === 'function' ? await choice(req) : choice;
    return typeof named === 'string' ? definitions.operation(named) : named;
  }

  const handling: OperationDesk = {
    options,
    keep: (req) => allowListed(req.rawHeaders, keptHeaders),
    chosen,
    begin: (...wish) => desk.begin(...wish),
    wait: (...asked) => desk.wait(...asked),
    find: (...asked) => desk.find(...asked),
    accepted: (...link) => desk.accepted(...link),
    leave: (...link) => desk.leave(...link),
  };

  /** Where there is no such run, the home group says so. */
  const located = async (id: string): Promise<GroupRunner> =>
    (await runners.locate(id)) ?? (await runners.of(undefined));

  async function after(id: string, act: (of: GroupRunner) => Promise<void>): Promise<OperationStatus> {
    const of = await located(id);
    // A letter to another process has its own limit.
    await act(of);
    const state = await of.timed(of.runner.state(id));
    if (state === undefined) throw new Error(`Run ${id} is gone.`);
    return statusOf(state);
  }

  return {
    register(...operations) {
      for (const operation of operations) known.add(operation);
      runners.lookAgain();
    },
    allowSources(...digests) {
      for (const digest of digests) known.allowed.add(digest);
      runners.lookAgain();
    },
    async start(asked, input, { requester = ownRequester, group } = {}) {
      const operation = typeof asked === 'string' ? await definitions.operation(asked) : asked;
      known.add(operation);
      const of = await runners.of(group);
      const terms = { requester, workType: options.defaultWorkType };
      const id = await of.timed(of.runner.start(operation, input, terms));
      let settled: Promise<OperationStatus> | undefined;
      return {
        id,
        // Who does not ask for it does not wait: of a great many that go on for long, nobody is remembered.
        get settled() {
          settled ??= of.runner.settled(id).settled.then(({ state }) => statusOf(state));
          return settled;
        },
      };
    },
    functions(...calls) {
      definitions.allow(calls);
      runners.lookAgain();
    },
    define: (data, by = 'app') => definitions.define(data, `code:${by}`),
    definition: (name, version) => definitions.find(name, version),
    definitions: () => definitions.list(),
    undefine: (name) => definitions.remove(name),
    desk: definitions,
    handler(choice, toInput, given = {}) {
      const terms = handlerTerms(given);
      if (options.groups.length === 0) throw new OptionMissingError('engine', 'say where the ledger lives');
      if (options.requester === undefined) {
        throw new OptionMissingError(
          'requester',
          'say for whom a request is made, whose operation it starts',
        );
      }
      const isFixed = typeof choice === 'object' && choice !== null;
      if (isFixed) known.add(choice);
      const name = isFixed ? choice.name : typeof choice === 'string' ? choice : undefined;
      answers.note(name, terms);
      return operationHandler(handling, choice as OperationChoice, toInput, terms.waitMs);
    },
    async find(id) {
      const of = await runners.locate(id);
      const state = await of?.timed(of.runner.state(id));
      return state && statusOf(state);
    },
    async settled(id) {
      const of = await runners.locate(id);
      if (of === undefined) throw noSuchRun(id);
      return statusOf((await of.runner.settled(id).settled).state);
    },
    async outputs(id) {
      const of = await runners.locate(id);
      const found = await of?.timed(of.runner.values(id));
      return found && of?.timed(found.values.valuesOf(labelsGiven(found.state), found.state));
    },
    provide: (id, values) => after(id, ({ runner }) => runner.provide(id, values)),
    cancel: (id) => after(id, ({ runner }) => runner.cancel(id)),
    resume: (id) => after(id, ({ runner }) => runner.resume(id)),
    of: (group) => desk.runsOf(group),
    opened: (group) => runners.begin(group),
    wake: () => runners.wake(),
    close: () => runners.close(),
  };
}
