import { type Request, Router } from 'express';
import type { Pool } from 'pg';
import { type Contact, readContact } from './read-contact.ts';

type Row = Contact & { readonly id: string };

/** Create, read, update and delete. */
export function contacts(pool: Pool): Router {
  const router = Router();

  router.param('id', (_req, res, next, id: string) => {
    if (/^\d{1,15}$/.test(id)) next();
    else res.status(404).json({ error: 'there is no such contact' });
  });

  router.get('/', async (req, res) => {
    const named = typeof req.query['name'] === 'string' ? req.query['name'] : '';
    const { rows } = await pool.query<Row>(
      'SELECT id, name, email FROM contacts WHERE starts_with(lower(name), lower($1)) ORDER BY name, id LIMIT 100',
      [named],
    );
    res.json(rows);
  });

  router.post('/', async (req, res) => {
    const { name, email } = readContact(req.body);
    const { rows } = await pool.query<Row>(
      'INSERT INTO contacts (name, email) VALUES ($1, $2) RETURNING id, name, email',
      [name, email],
    );
    res.status(201).location(`/contacts/${rows[0]?.id}`).json(rows[0]);
  });

  router.get('/:id', async (req, res) => {
    const { rows } = await pool.query<Row>('SELECT id, name, email FROM contacts WHERE id = $1', [idOf(req)]);
    if (rows[0] === undefined) res.status(404).json({ error: 'there is no such contact' });
    else res.json(rows[0]);
  });

  router.put('/:id', async (req, res) => {
    const { name, email } = readContact(req.body);
    // The old name is kept: people look for it. Both or neither, so in a transaction.
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(
        'INSERT INTO former_names (contact, name) SELECT id, name FROM contacts WHERE id = $1 AND name <> $2',
        [idOf(req), name],
      );
      const { rows } = await client.query<Row>(
        'UPDATE contacts SET name = $2, email = $3 WHERE id = $1 RETURNING id, name, email',
        [idOf(req), name, email],
      );
      await client.query('COMMIT');
      if (rows[0] === undefined) res.status(404).json({ error: 'there is no such contact' });
      else res.json(rows[0]);
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  });

  router.delete('/:id', async (req, res) => {
    const { rowCount } = await pool.query('DELETE FROM contacts WHERE id = $1', [idOf(req)]);
    if (rowCount === 0) res.status(404).json({ error: 'there is no such contact' });
    else res.status(204).end();
  });

  return router;
}

function idOf(req: Request): string {
  return String(req.params['id']);
}
