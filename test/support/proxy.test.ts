import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type NetworkProxy, startProxy } from './src/proxy.ts';

let heard: string;
let server: Server;
let proxy: NetworkProxy;
beforeEach(async () => {
  heard = '';
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard += bytes.toString();
      socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await startProxy(`127.0.0.1:${serverPort()}`);
});
afterEach(async () => {
  await proxy.stop();
  await new Promise((resolve) => server.close(resolve));
});

function serverPort(): number {
  return (server.address() as AddressInfo).port;
}

async function call(port = proxy.port): Promise<Socket> {
  const socket = connect(port, proxy.host);
  await once(socket, 'connect');
  // The proxy resets what is still connected when a test ends.
  socket.on('error', () => {});
  return socket;
}

async function answer(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes.toString();
}

it('carries both ways, and the end of a connection', async () => {
  const socket = await call();
  socket.end('hello');
  expect(await answer(socket)).toBe('hello');
  await once(socket, 'close');
});

it('resets what is connected and refuses who comes while the line is cut', async () => {
  const socket = await call();
  const broken = once(socket, 'error');
  await proxy.cut();
  expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
  await expect(call()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await proxy.heal();
  const again = await call();
  again.end('hello');
  expect(await answer(again)).toBe('hello');
});

it('accepts and delivers nothing while it stalls, and all of it in order after', async () => {
  const early = await call();
  proxy.stall();
  const late = await call();
  early.write('one ');
  early.write('two');
  late.write('');
  const aside = await call(serverPort());
  aside.end('aside');
  await answer(aside);
  expect(heard).toBe('aside');
  await proxy.heal();
  let answered = '';
  early.on('data', (bytes) => {
    answered += bytes.toString();
  });
  await expect.poll(() => answered).toBe('one two');
  early.destroy();
  late.destroy();
});

it('can lose an answer whose request was served', async () => {
  const socket = await call();
  let answered = '';
  socket.on('data', (bytes) => {
    answered += bytes.toString();
  });
  socket.on('error', () => {});
  proxy.stall('answers');
  socket.write('served');
  await expect.poll(() => heard).toBe('served');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  proxy.drop();
  await closed;
  expect(answered).toBe('');
});

it('delivers later what is delayed', async () => {
  proxy.delay(50);
  const order: string[] = [];
  const answered = async (socket: Socket): Promise<void> => void order.push(await answer(socket));
  const [slow, quick] = await Promise.all([call(), call(serverPort())]);
  slow.end('slow');
  quick.end('quick');
  await Promise.all([answered(slow), answered(quick)]);
  expect(order).toEqual(['quick', 'slow']);
});

it('disconnects a client whose server is not there', async () => {
  const lost = await startProxy('127.0.0.1:9');
  const socket = connect(lost.port, lost.host);
  expect(await once(socket, 'error').catch((error: unknown) => [error])).toMatchObject([
    { code: 'ECONNRESET' },
  ]);
  await lost.stop();
});

it('carries more than a network holds, whole', async () => {
  const socket = await call();
  const bytes = 8 * 1024 * 1024;
  let answeredBytes = 0;
  socket.on('data', (chunk) => {
    answeredBytes += chunk.length;
  });
  socket.end(Buffer.alloc(bytes, 'x'));
  await once(socket, 'close');
  expect(answeredBytes).toBe(bytes);
});
