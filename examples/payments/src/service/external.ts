import express, { type Router } from 'express';
import type { Partitions } from './partitions.ts';
import { centsOf, idOf } from './read-request.ts';
import { receiveResponse } from './transactions.ts';

/** The interface for the processor: it tells what came of a settlement, and again until it is answered. */
export function externalRoutes(partitions: Partitions): Router {
  const router = express.Router();
  router.use(express.json());
  router.put('/responses/:id', async (req, res) => {
    const id = idOf(req);
    await receiveResponse(partitions.of(id), id, centsOf(req));
    res.status(204).end();
  });
  return router;
}
