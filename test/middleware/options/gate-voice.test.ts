import { describe, expect, it } from 'vitest';
import { gateVoice } from '../../../packages/middleware/src/options/gate-voice.ts';

const event = { doing: 'a test', error: undefined };

describe('a listener', () => {
  it('that throws or rejects harms nobody', async () => {
    const voice = gateVoice();
    const heard: string[] = [];
    voice.on('trouble', () => {
      throw new Error('thrown');
    });
    voice.on('trouble', async () => {
      throw new Error('rejected');
    });
    voice.on('trouble', ({ doing }) => heard.push(doing));
    expect(() => voice.tell('trouble', event)).not.toThrow();
    // A rejection that nobody handles would fail this run.
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(['a test']);
  });

  it('that has ended, or is ended by another one, hears nothing more', () => {
    const voice = gateVoice();
    const heard: string[] = [];
    const end = voice.on('trouble', () => heard.push('first'));
    end();
    end();
    voice.tell('trouble', event);
    expect([heard, voice.isHeard('trouble')]).toEqual([[], false]);
  });

  it('of what is no event, or that is no function, is refused by name', () => {
    const on = gateVoice().on as (name: unknown, listener?: unknown) => void;
    expect(() => on('decison', () => {})).toThrow(/no event "decison"; there are decision, state/);
    expect(() => on('__proto__', () => {})).toThrow(/no event/);
    expect(() => on('state')).toThrow(/listener of state must be a function/);
  });
});
