import { describe, expect, it } from 'vitest';
import { checkServer } from '../../../../packages/middleware/src/engines/nats/check-server.ts';

const max_payload = 1_048_576;

describe('a NATS server', () => {
  it.each(['2.9.0', '2.9.10', '2.10.0', '2.11.3-RC.1', '2.12.0', '3.0.0'])(
    'serves with version %s',
    (version) => {
      expect(() => checkServer({ version, max_payload, jetstream: true })).not.toThrow();
    },
  );

  it.each(['2.8.4', '2.2.0', '1.4.1'])(
    'is refused with version %s, naming the oldest that serves',
    (version) => {
      expect(() => checkServer({ version, max_payload })).toThrow(
        `The NATS server has version ${version}; 2.9 is the oldest that serves. Upgrade it.`,
      );
    },
  );

  it('is refused where JetStream is off or messages must be too small', () => {
    expect(() => checkServer({ version: '2.9.10', max_payload, jetstream: false })).toThrow(
      'has no JetStream',
    );
    expect(() => checkServer({ version: '2.9.10', max_payload: 65_536 })).toThrow(
      'set its max_payload to 786432',
    );
  });
});
