import { chart, latencyBar, type Mark, markLabels, toneOf } from './bar.ts';
import { type Line, type Span, spread } from './paint.ts';
import type { DeferralScene, Event, PartitionScene, Scene, Tone, WorkTypeScene } from './scene.ts';

/** The room that there is. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const widest = 100;
const blank: Line = [];

/** The whole screen as lines, from the top; never more than `rows`. Lines may be too long: `paint` cuts them. */
export function frame(scene: Scene, { columns, rows }: Size): readonly Line[] {
  const width = Math.min(columns, widest) - 2;
  const marks = scene.workTypes.flatMap(({ name, thresholdMs }) =>
    thresholdMs === undefined ? [] : [{ name, thresholdMs }],
  );
  const fixed = [
    ...title(scene, width),
    blank,
    ...scene.partitions.flatMap((partition) => [
      ...latency(partition, marks, { width, height: rows >= 32 ? 4 : 2 }),
      blank,
    ]),
    ...decisions(scene.workTypes, width),
    blank,
    ...backlog(scene, width),
  ];
  const left = rows - fixed.length;
  const events = scene.events.slice(-4).map(eventLine);
  const forDeferrals = Math.max(0, left - events.length - 2);
  const lines = [
    ...fixed,
    ...scene.deferrals.latest.slice(0, Math.min(8, forDeferrals)).map(deferral),
    blank,
    ...events,
  ];
  return lines.slice(0, rows).map((line) => [[' '], ...line]);
}

/** What is going on, and how far it has come. */
export function title(
  { elapsedMs, phases, headline }: Pick<Scene, 'elapsedMs' | 'phases' | 'headline'>,
  width: number,
): readonly Line[] {
  const weight = phases.reduce((sum, phase) => sum + phase.weight, 0);
  const ribbon: Line = phases.flatMap(({ name, weight: own, share }): Line => {
    const length = Math.max(name.length + 3, Math.floor((own / weight) * width));
    const label = ` ${name} `.padEnd(length - 1, '━');
    const done = Math.round(share * label.length);
    return [[label.slice(0, done), share < 1 ? 'accent' : 'plain'], [label.slice(done), 'quiet'], [' ']];
  });
  return [
    spread(
      [
        ['Slackwater', 'strong'],
        [`  ${headline}`, 'accent'],
      ],
      [[seconds(elapsedMs), 'quiet']],
      width,
    ),
    ribbon,
  ];
}

function latency(
  partition: PartitionScene,
  marks: readonly Mark[],
  { width, height }: { readonly width: number; readonly height: number },
): readonly Line[] {
  const { name, valueMs, samples, history } = partition;
  const value: Line =
    valueMs === undefined
      ? [['not known yet', 'quiet']]
      : [[`${valueMs < 10 ? valueMs.toFixed(1) : Math.round(valueMs)} ms`, toneOf(valueMs, marks)]];
  const head: Line = [['Commit latency of '], [name, 'strong'], [': '], ...value];
  const inner = Math.max(10, width - 12);
  return [
    spread(head, [[`${samples} commits`, 'quiet']], width),
    [['1 ms ', 'quiet'], ...latencyBar(valueMs, marks, inner), [' 1 s', 'quiet']],
    ...markLabels(marks, inner).map((line): Line => [['     '], ...line]),
    ...chart(history, marks, { width: inner, height }).map((line): Line => [['     '], ...line]),
  ];
}

const stateTones = { clear: 'good', over: 'bad', recovering: 'careful' } as const satisfies Record<
  string,
  Tone
>;

function decisions(workTypes: readonly WorkTypeScene[], width: number): readonly Line[] {
  const roomy = width >= 66;
  const [nameWidth, ruleWidth, stateWidth, countWidth] = roomy ? [11, 13, 13, 12] : [8, 0, 13, 7];
  const head = roomy ? ['performed', 'retry later', 'deferred'] : ['done', 'later', 'defer'];
  const count = (value: number, tone: Tone): Span => [
    String(value).padStart(countWidth),
    value > 0 ? tone : 'quiet',
  ];
  return [
    [
      [roomy ? 'work type'.padEnd(nameWidth) : ''.padEnd(nameWidth), 'quiet'],
      ['when over'.slice(0, ruleWidth).padEnd(ruleWidth), 'quiet'],
      ['state'.padEnd(stateWidth), 'quiet'],
      [head.map((word) => word.padStart(countWidth)).join(''), 'quiet'],
    ],
    ...workTypes.map(
      ({ name, rule, state, performed, retryLater, deferred }): Line => [
        [name.padEnd(nameWidth), 'strong'],
        [ruleNames[rule].slice(0, ruleWidth).padEnd(ruleWidth), 'quiet'],
        rule === 'exempt'
          ? ['○ exempt'.padEnd(stateWidth), 'accent']
          : [`● ${state}`.padEnd(stateWidth), stateTones[state]],
        count(performed, 'good'),
        count(retryLater, 'careful'),
        count(deferred, 'accent'),
      ],
    ),
  ];
}

const ruleNames = { exempt: 'let through', defer: 'defer', 'retry-later': 'retry later' } as const;

function backlog({ deferrals, calls }: Scene, width: number): readonly Line[] {
  const { backlog: waiting, settled } = deferrals;
  const room = Math.max(0, width - 34);
  const shown = '■'.repeat(Math.min(waiting, room));
  const more = waiting > room ? '…' : '';
  return [
    spread(
      [
        ['Backlog '],
        [String(waiting).padStart(4), waiting > 0 ? 'accent' : 'quiet'],
        [' '],
        [shown + more, 'accent'],
      ],
      [[`${settled} deferrals settled`, 'quiet']],
      width,
    ),
    [
      ['Callers '],
      [String(calls.sent).padStart(4)],
      [` requests sent, ${calls.waiting} wait for their answer`, 'quiet'],
    ],
    blank,
  ];
}

/** An event and when it was. */
export function eventLine({ atMs, text, tone }: Event): Line {
  return [
    [`${seconds(atMs).padStart(7)}  `, 'quiet'],
    [text, tone],
  ];
}

const stageTone = {
  queued: 'plain',
  postponed: 'quiet',
  retrying: 'careful',
  parked: 'bad',
  performed: 'good',
  failed: 'bad',
  canceled: 'careful',
} as const satisfies Record<DeferralScene['stage'], Tone>;

function deferral({ id, workType, stage, postponements, ageMs, status }: DeferralScene): Line {
  const times = postponements === 0 ? '' : `  postponed ${postponements}x`;
  return [
    [`${id}  `, 'quiet'],
    [workType.padEnd(7)],
    [`${stage}${status === undefined ? '' : ` ${status}`}`.padEnd(14), stageTone[stage]],
    [seconds(ageMs).padStart(7), 'quiet'],
    [times, 'quiet'],
  ];
}

/** `12.3 s` */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
