import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, it } from 'node:test';
import pg from 'pg';
import request from 'supertest';
import { makeApp } from '../app.ts';

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });
const app = makeApp(pool);
const ada = { name: 'Ada', email: 'ada@example.com' };

before(() => pool.query(readFileSync(new URL('../schema.sql', import.meta.url), 'utf8')));
beforeEach(() => pool.query('TRUNCATE contacts, former_names RESTART IDENTITY'));
after(() => pool.end());

describe('contacts', () => {
  it('are created, and found at the address that was told', async () => {
    const created = await request(app).post('/contacts').send(ada).expect(201);
    assert.deepEqual(created.body, { id: '1', ...ada });
    const found = await request(app).get(String(created.headers['location'])).expect(200);
    assert.deepEqual(found.body, { id: '1', ...ada });
  });

  it('are listed by the beginning of their names', async () => {
    for (const name of ['Grace', 'Ada', 'Adele'])
      await request(app)
        .post('/contacts')
        .send({ ...ada, name });
    const { body } = await request(app).get('/contacts?name=ad').expect(200);
    assert.deepEqual(
      (body as { name: string }[]).map(({ name }) => name),
      ['Ada', 'Adele'],
    );
  });

  it('are changed, and their old names kept', async () => {
    await request(app).post('/contacts').send(ada);
    await request(app)
      .put('/contacts/1')
      .send({ ...ada, name: 'Augusta' })
      .expect(200, { id: '1', ...ada, name: 'Augusta' });
    const { rows } = await pool.query('SELECT contact, name FROM former_names');
    assert.deepEqual(rows, [{ contact: '1', name: 'Ada' }]);
  });

  it('are deleted', async () => {
    await request(app).post('/contacts').send(ada);
    await request(app).delete('/contacts/1').expect(204);
    await request(app).get('/contacts/1').expect(404, { error: 'there is no such contact' });
    await request(app).delete('/contacts/1').expect(404);
  });

  it('need a name and an e-mail address', async () => {
    await request(app)
      .post('/contacts')
      .send({ name: ' ', email: ada.email })
      .expect(400, { error: 'a contact needs a name' });
    await request(app).put('/contacts/1').send({ name: 'Ada', email: 'ada' }).expect(400);
    await request(app).post('/contacts').type('json').send('{').expect(400);
  });

  it('that are not there are not found', async () => {
    await request(app).get('/contacts/7').expect(404);
    await request(app).put('/contacts/7').send(ada).expect(404);
    await request(app).get('/contacts/ada').expect(404);
    await request(app).get('/addresses').expect(404, { error: 'there is no such page' });
  });

  it('are all created when many come at once', async () => {
    const names = Array.from({ length: 40 }, (_, at) => `Contact ${at}`);
    const answers = await Promise.all(
      names.map((name) =>
        request(app)
          .post('/contacts')
          .send({ ...ada, name }),
      ),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
    const { rows } = await pool.query('SELECT count(*)::int AS count FROM contacts');
    assert.deepEqual(rows, [{ count: names.length }]);
  });
});
