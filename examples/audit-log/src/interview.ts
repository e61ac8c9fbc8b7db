import type { SlackwaterClient } from '@slackwater/client-sdk';

/** What an auditor asks, and is answered. */
export async function interview({ audit }: SlackwaterClient, say: (line: string) => void): Promise<void> {
  say('\nHow many events, and how did they end?');
  for await (const { value, count } of audit.counts('status')) say(`  ${value}: ${count}`);

  say('Who told of them? The ledger knows them by pseudonyms:');
  for await (const { value, count } of audit.counts('requester')) say(`  ${value}: ${count}`);

  say('The newest that the application "door" told of:');
  for await (const { id, createdAt, postponements } of audit.deferrals({ requester: 'door', limit: 5 })) {
    say(`  ${id}, told at ${createdAt}, tried later ${postponements} times`);
    for (const { position, entry } of await audit.entries(id)) {
      say(`    entry ${position}: ${(JSON.parse(entry) as { type: string }).type}`);
    }
    const { index, verified } = await audit.receipt(id);
    say(`    receipt: entry ${index}, ${verified ? 'verified' : 'NOT VERIFIED'}`);
    const { second } = await audit.mapping(id);
    say(`    the request itself is kept encrypted, and ${second.state}`);
    const [action] = await audit.reveal(id, { parameters: ['body /action'], purpose: 'yearly review' });
    say(`    what was done, revealed for the yearly review, which is an entry of its own: ${action?.value}`);
    break;
  }
  const { size } = await audit.checkpoint('main');
  say(`The ledger has ${size} entries.\n`);
}
