import { defineOperation, external, type } from '../../../packages/middleware/src/index.ts';

/** An operation for what is shown of plans. */
export const trip = defineOperation({
  name: 'trip',
  version: '2',
  input: { traveller: type<string>() },
  tasks: {
    airline: {
      inputs: ['traveller'],
      outputs: { flight: type<string>() },
      run: ({ traveller }) => ({ flight: `SW ${traveller}` }),
      rollback: () => undefined,
    },
    hotel: {
      inputs: ['flight', external('code', type<string>())],
      outputs: { room: type<number>() },
      run: ({ flight, code }) => ({ room: flight.length + code.length }),
      rollback: () => undefined,
    },
    'say "thanks"': { after: ['hotel'], run: () => ({}) },
  },
  checks: { total: { inputs: ['flight', 'room'], validate: () => true } },
});

export default trip;
export const nothing = 7;
