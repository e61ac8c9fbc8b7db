import { type KeyedService, startKeyedService } from './keyed-service.ts';

/** What is taken of a supplier: one of its seats, rooms, cars or places. */
export interface Item {
  readonly item: number;
}

/** What is taken of a card. */
export interface Charge {
  readonly card: string;
  readonly cents: number;
}

/** The names of all services. */
export const serviceNames = ['airline', 'bank', 'hotel', 'car', 'excursion'] as const;
/** One of {@link serviceNames}. */
export type ServiceName = (typeof serviceNames)[number];

/** Where each service is. */
export type Addresses = Readonly<Record<ServiceName, string>>;

/** Everybody whom a trip is booked at. Each is an HTTP service of its own, and outlives the agency's processes. */
export interface World {
  readonly addresses: Addresses;
  readonly services: Readonly<Record<Exclude<ServiceName, 'bank'>, KeyedService<Item>>> & {
    readonly bank: KeyedService<Charge>;
  };
  /** What is wrong with it: things or money that are gone, or there twice. Empty where all of it is right. */
  faults(): readonly string[];
  close(): Promise<void>;
}

/** How many seats, rooms, cars and places there are; what each of the cards has at first. */
export const stock = { airline: 60, hotel: 60, car: 60, excursion: 60 } as const;
const centsAtFirst = 1_000_000;

/** Starts all services, with as many ms for each answer. */
export async function openWorld(latencyMs: () => number): Promise<World> {
  const free = new Map<string, Set<number>>();
  const supplier = (name: keyof typeof stock): Promise<KeyedService<Item>> => {
    const items = new Set(Array.from({ length: stock[name] }, (_, at) => at + 1));
    free.set(name, items);
    return startKeyedService<Item>(
      {
        take() {
          const [item] = items;
          if (item === undefined) return 'all are taken';
          items.delete(item);
          return { item };
        },
        giveBack: ({ item }) => void items.add(item),
      },
      latencyMs,
    );
  };

  const cards = new Map<string, number>();
  const bank = await startKeyedService<Charge>(
    {
      take(body) {
        const { card, cents } = (body ?? {}) as Partial<Charge>;
        if (typeof card !== 'string' || typeof cents !== 'number' || !(cents > 0)) return 'that is no charge';
        const has = cards.get(card) ?? centsAtFirst;
        if (has < cents) return 'not covered';
        cards.set(card, has - cents);
        return { card, cents };
      },
      giveBack: ({ card, cents }) => void cards.set(card, (cards.get(card) ?? 0) + cents),
    },
    latencyMs,
  );
  const services = {
    ...{ airline: await supplier('airline'), bank, hotel: await supplier('hotel') },
    ...{ car: await supplier('car'), excursion: await supplier('excursion') },
  };

  function faults(): readonly string[] {
    const charged = new Map<string, number>();
    for (const { card, cents } of bank.taken.values()) charged.set(card, (charged.get(card) ?? 0) + cents);
    const money = [...cards].flatMap(([card, cents]) =>
      cents + (charged.get(card) ?? 0) === centsAtFirst ? [] : [`the money of ${card} is not all there`],
    );
    const things = (Object.keys(stock) as (keyof typeof stock)[]).flatMap((name) => {
      const taken = [...services[name].taken.values()].map(({ item }) => item);
      const all = new Set([...taken, ...(free.get(name) ?? [])]);
      return all.size === stock[name] && taken.length + (free.get(name)?.size ?? 0) === stock[name]
        ? []
        : [`what the ${name} has and gave is not ${stock[name]}`];
    });
    const twice = serviceNames.flatMap((name) =>
      [...services[name].effects].flatMap(([key, { taken, givenBack }]) =>
        taken > 1 || givenBack > taken
          ? [`the ${name} gave ${key} ${taken} times, and had it back ${givenBack}`]
          : [],
      ),
    );
    return [...money, ...things, ...twice];
  }

  return {
    services,
    addresses: Object.fromEntries(serviceNames.map((name) => [name, services[name].address])) as Addresses,
    faults,
    async close() {
      await Promise.all(serviceNames.map((name) => services[name].close()));
    },
  };
}
