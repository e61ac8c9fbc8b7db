import express, { type Request, type Router } from 'express';
import type { Partitions } from './partitions.ts';
import type { Processor } from './processor-client.ts';
import { centsOf, idOf, textOf } from './read-request.ts';
import { authorized, cancel, find, initiate, ofOrder, Refused, requestSettlement } from './transactions.ts';

/**
 * Which of the company's systems a request comes from. A header is believed, so that it can be tried with curl; a real service takes the
 * word of its authentication, never that of the caller.
 */
export function systemOf(req: Request): string | undefined {
  return req.get('X-System');
}

/** The interface for the company's own systems. */
export function internalRoutes(partitions: Partitions, processor: Processor): Router {
  const router = express.Router();
  router.use(express.json());

  // Two commits: that the purchase began, and that its funds are reserved. Whoever lost the answer sends it again.
  router.put('/transactions/:id', async (req, res) => {
    const id = idOf(req);
    const partition = partitions.of(id);
    const begun = await initiate(partition, { id, order: textOf(req, 'order'), amountCents: centsOf(req) });
    if (begun.state === 'initiated') {
      const granted = await processor.authorize(id, begun.amountCents);
      await authorized(partition, id, granted ? 'authorized' : 'canceled');
    }
    const transaction = await find(partition, id);
    res.status(transaction?.state === 'canceled' ? 402 : 201).json(transaction);
  });

  router.post('/transactions/:id/settlement', async (req, res) => {
    const id = idOf(req);
    res.status(201).json(await requestSettlement(partitions.of(id), id, centsOf(req)));
  });

  router.post('/transactions/:id/cancel', async (req, res) => {
    const id = idOf(req);
    res.json(await cancel(partitions.of(id), id, () => processor.release(id)));
  });

  router.get('/transactions/:id', async (req, res) => {
    const transaction = await find(partitions.of(idOf(req)), idOf(req));
    if (transaction === undefined) throw new Refused(404, 'there is no such transaction');
    res.json(transaction);
  });

  // An order is one transaction, or one for each of its shipments, and those may be anywhere.
  router.get('/orders/:order', async (req, res) => {
    const parts = await Promise.all(
      partitions.all.map((partition) => ofOrder(partition, String(req.params['order']))),
    );
    res.json(parts.flat());
  });

  return router;
}
