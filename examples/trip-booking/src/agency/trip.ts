import { defineOperation, type Operation, type } from '@slackwater/middleware';
import type { Addresses, Charge, Item } from '../world/world.ts';
import { giveBack, take } from './ask-service.ts';

/** What a trip is started with. */
export interface TripInput {
  readonly traveller: string;
  readonly card: string;
  readonly cents: number;
}

const isItem = (value: number): true | string => Number.isInteger(value) || `${value} is none`;

/** What a trip has when it is booked. */
export interface Trip {
  readonly seat: number;
  readonly paid: number;
  readonly room: number;
  readonly key: number;
  readonly place: number;
}

/**
 * The trip: flight and payment side by side, then hotel and car, then the excursion. Nothing here says so: each task says what it takes and gives. When one
 * fails, all that began are given back, the last stage first. Each service has `timeoutMs` for an answer, twice.
 */
export function tripAt(
  { airline, bank, hotel, car, excursion }: Addresses,
  timeoutMs: number,
): Operation<TripInput, Trip> {
  const number = type<number>();
  return defineOperation({
    name: 'trip',
    version: '1',
    input: { traveller: type<string>(), card: type<string>(), cents: number },
    tasks: {
      airline: {
        inputs: ['traveller'],
        outputs: { seat: number },
        validate: { seat: isItem },
        run: async (given, context) => ({ seat: (await take<Item>(airline, given, context)).item }),
        rollback: (_, context) => giveBack(airline, context),
        ...{ timeoutMs, retries: 1 },
      },
      payment: {
        inputs: ['card', 'cents'],
        outputs: { paid: number },
        validate: ({ paid }, { cents }) => paid === cents || `${paid} of ${cents} cents were paid`,
        run: async (given, context) => ({ paid: (await take<Charge>(bank, given, context)).cents }),
        rollback: (_, context) => giveBack(bank, context),
        ...{ timeoutMs, retries: 1 },
      },
      hotel: {
        inputs: ['traveller', 'seat', 'paid'],
        outputs: { room: number },
        validate: { room: isItem },
        run: async (given, context) => ({ room: (await take<Item>(hotel, given, context)).item }),
        rollback: (_, context) => giveBack(hotel, context),
        ...{ timeoutMs, retries: 1 },
      },
      car: {
        inputs: ['traveller', 'seat', 'paid'],
        outputs: { key: number },
        validate: { key: isItem },
        run: async (given, context) => ({ key: (await take<Item>(car, given, context)).item }),
        rollback: (_, context) => giveBack(car, context),
        ...{ timeoutMs, retries: 1 },
      },
      excursion: {
        inputs: ['traveller', 'room', 'key'],
        outputs: { place: number },
        validate: { place: isItem },
        run: async (given, context) => ({ place: (await take<Item>(excursion, given, context)).item }),
        rollback: (_, context) => giveBack(excursion, context),
        ...{ timeoutMs, retries: 1 },
      },
    },
  });
}
