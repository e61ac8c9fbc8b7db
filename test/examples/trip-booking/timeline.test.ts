import { describe, expect, it } from 'vitest';
import { drawSvg } from '../../../examples/trip-booking/src/timeline/draw-svg.ts';
import { drawText } from '../../../examples/trip-booking/src/timeline/draw-text.ts';
import type { Timeline } from '../../../examples/trip-booking/src/timeline/timeline.ts';

const timeline: Timeline = {
  id: '01 & <one>',
  result: 'undone',
  rows: [
    {
      task: 'car',
      stage: 1,
      bars: [
        { way: 'forward', from: 0, to: 100, ended: 'well' },
        { way: 'back', from: 300, to: 590, ended: 'well' },
      ],
    },
    { task: 'hotel', stage: 1, bars: [{ way: 'forward', from: 0, to: 250, ended: 'unknown' }] },
    { task: 'bus', stage: 2, bars: [{ way: 'forward', from: 100, to: 200, ended: 'badly' }] },
    { task: 'boat', stage: 3, bars: [] },
  ],
  taken: [280],
  lengthMs: 590,
};

describe('the timeline of a trip', () => {
  it('has a line for each task in a terminal, with how it went, and marks where another process went on', () => {
    expect(drawText(timeline).split('\n')).toEqual([
      'trip 01 & <one>: undone',
      `                  0${' '.repeat(53)}590 ms`,
      `  stage 1  car    ${'━'.repeat(11)}${' '.repeat(17)}┊ ${'◁'.repeat(30)}  done, given back`,
      `           hotel  ${'┄'.repeat(26)}  ┊${' '.repeat(31)}  under way`,
      `  stage 2  bus    ${' '.repeat(10)}${'━'.repeat(10)}✗       ┊${' '.repeat(31)}  failed`,
      `  stage 3  boat   ${' '.repeat(28)}┊${' '.repeat(31)}  never begun`,
      '',
    ]);
  });

  it('is a picture, too, in which nothing that a trip is called is markup', () => {
    const svg = drawSvg(timeline);
    expect(svg).toContain('aria-label="Timeline of trip 01 &#38; &#60;one&#62;: undone"');
    expect(svg.match(/<rect class="(?:well|badly|back|unknown)" /g)).toHaveLength(4 + 4);
    expect(svg).toContain('another process goes on');
  });

  it('of a trip without a length is drawn as well', () => {
    const empty: Timeline = { id: 'x', result: 'under way', rows: [], taken: [0], lengthMs: 0 };
    expect(drawText(empty)).toContain('trip x: under way');
    expect(drawSvg(empty)).toContain('</svg>');
  });
});
