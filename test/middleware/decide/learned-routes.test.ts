import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import type { SeenRoute } from '../../../packages/middleware/src/decide/learned-route.ts';
import { LearnedRoutes } from '../../../packages/middleware/src/decide/learned-routes.ts';

const maxAgeMs = 60_000;

function learnedRoutes(maxRoutes = 10) {
  const clock = manualClock();
  const learned = new LearnedRoutes({ clock, maxRoutes, maxAgeMs });
  return {
    clock,
    learned,
    partitionsOf(method: string, path: string): readonly string[] {
      const found = learned.find(method, path);
      return found === undefined ? [] : learned.partitionsOf(found);
    },
    names: () => [...learned.list()].map(({ route }) => route),
  };
}

const routes = new Map<string, SeenRoute>();

/** The same route whenever it is asked for. */
function route(pattern: string): SeenRoute {
  const known = routes.get(pattern) ?? { identity: {}, pattern, isExact: true, passes: () => false };
  routes.set(pattern, known);
  return known;
}

describe('learned routes', () => {
  it('know by pattern what was seen once by path', () => {
    const { learned, partitionsOf } = learnedRoutes();
    learned.learn('POST', route('/orders/:id'), '/orders/1', 'a');
    expect(partitionsOf('POST', '/orders/2')).toEqual(['a']);
    expect(partitionsOf('POST', '/Orders/2/')).toEqual(['a']);
    expect(partitionsOf('POST', '/orders/2/notes')).toEqual([]);
    expect(partitionsOf('POST', '/orders')).toEqual([]);
    expect(partitionsOf('GET', '/orders/2')).toEqual([]);
  });

  it.each([
    ['/', '/', ['/', '//'], ['/a']],
    ['/orders', '/orders', ['/orders/', '/ORDERS'], ['/orders/1', '/order']],
    ['/files/*rest', '/files/a/b', ['/files/c', '/files/c/d/e'], ['/files', '/file/c']],
    ['/a{/:b}', '/a', ['/a/1', '/a/'], ['/a/1/2']],
    ['/:tenant/orders', '/t/orders', ['/u/orders'], ['/orders', '/u/orders/1']],
    ['/from-:a-to-:b', '/from-1-to-2', ['/from-3-to-4'], ['/from-3']],
    ['/\u00fc/:a', '/\u00fc/1', ['/\u00fc/2'], ['/u/2']],
  ])('find %s, seen at %s, again', (pattern, path, alike, others) => {
    const { learned, partitionsOf } = learnedRoutes();
    learned.learn('POST', route(pattern), path, 'p');
    for (const other of [path, ...alike])
      if (other !== '//') expect(partitionsOf('POST', other)).toEqual(['p']);
    for (const other of others) expect(partitionsOf('POST', other)).toEqual([]);
  });

  it('know several partitions of one route', () => {
    const { learned, partitionsOf } = learnedRoutes();
    for (const partition of ['a', 'b', 'a']) learned.learn('POST', route('/orders'), '/orders', partition);
    expect(partitionsOf('POST', '/orders')).toHaveLength(2);
    expect(new Set(partitionsOf('POST', '/orders'))).toEqual(new Set(['a', 'b']));
  });

  it('go by what the application says where a pattern can’t', () => {
    const { learned, partitionsOf } = learnedRoutes();
    const passes = (path: string): boolean => /^\/old\/\d+$/.test(path);
    learned.learn(
      'POST',
      { identity: {}, pattern: '(/^\\/old\\/\\d+$/)', isExact: false, passes },
      '/old/1',
      'a',
    );
    expect(partitionsOf('POST', '/old/2')).toEqual(['a']);
    expect(partitionsOf('POST', '/old/x')).toEqual([]);
    // Express 4's, which path-to-regexp 8 does not read.
    learned.learn(
      'POST',
      { identity: {}, pattern: '/star/*', isExact: true, passes: (path) => path === '/star/2' },
      '/star/1',
      'b',
    );
    expect(partitionsOf('POST', '/star/2')).toEqual(['b']);
  });

  it('take the one with more words of its own where several match', () => {
    const { learned, partitionsOf } = learnedRoutes();
    learned.learn('POST', route('/:a/:b'), '/x/y', 'a');
    learned.learn('POST', route('/orders/:id'), '/orders/1', 'b');
    learned.learn('POST', route('/orders/new'), '/orders/new', 'c');
    expect(['/x/z', '/orders/2', '/orders/new'].map((path) => partitionsOf('POST', path))).toEqual([
      ['a'],
      ['b'],
      ['c'],
    ]);
  });

  it('know by its path alone what came to no route', () => {
    const { learned, partitionsOf } = learnedRoutes();
    learned.learn('POST', undefined, '/graphql', 'a');
    learned.learn('POST', undefined, '/graphql', 'b');
    expect(partitionsOf('POST', '/graphql')).toEqual(['a', 'b']);
    expect(partitionsOf('POST', '/graphql/x')).toEqual([]);
  });

  describe('forget', () => {
    it('a route that was not seen to commit for so long', () => {
      const { clock, learned, partitionsOf, names } = learnedRoutes();
      learned.learn('POST', route('/orders'), '/orders', 'a');
      clock.advance(maxAgeMs);
      expect(partitionsOf('POST', '/orders')).toEqual(['a']);
      clock.advance(1);
      expect(partitionsOf('POST', '/orders')).toEqual([]);
      expect(names()).toEqual([]);
      expect(learned.again('POST', route('/orders').identity, 'a')).toBe(false);
    });

    it('one partition of a route, and keep the others', () => {
      const { clock, learned, partitionsOf } = learnedRoutes();
      learned.learn('POST', route('/orders'), '/orders', 'old');
      clock.advance(maxAgeMs / 2);
      learned.again('POST', route('/orders').identity, 'new');
      clock.advance(maxAgeMs / 2 + 1);
      expect(partitionsOf('POST', '/orders')).toEqual(['new']);
    });

    it('nothing that is held back meanwhile', () => {
      const { clock, learned, partitionsOf } = learnedRoutes();
      learned.learn('POST', route('/orders'), '/orders', 'a');
      for (let n = 0; n < 10; n++) {
        clock.advance(maxAgeMs - 1);
        const found = learned.find('POST', '/orders');
        if (found !== undefined) learned.hold(found);
      }
      expect(partitionsOf('POST', '/orders')).toEqual(['a']);
    });

    it('the partition that is quiet for longest, where a route has too many', () => {
      const { clock, learned, partitionsOf } = learnedRoutes();
      for (let n = 0; n < 20; n++) {
        clock.advance(1);
        learned.learn('POST', route('/orders'), '/orders', `p${n}`);
        learned.again('POST', route('/orders').identity, 'p0');
      }
      expect(partitionsOf('POST', '/orders')).toHaveLength(16);
      expect(partitionsOf('POST', '/orders')).toContain('p0');
      expect(partitionsOf('POST', '/orders')).not.toContain('p1');
    });

    it('the one that has not committed for longest, where there are too many', () => {
      const { learned, names } = learnedRoutes(3);
      for (const n of [1, 2, 3]) learned.learn('POST', route(`/r${n}`), `/r${n}`, 'p');
      learned.again('POST', route('/r1').identity, 'p');
      learned.learn('POST', route('/r4'), '/r4', 'p');
      expect(names()).toEqual(['POST /r3', 'POST /r1', 'POST /r4']);
    });

    it('no route for paths that callers make up, however many', () => {
      const { learned, names, partitionsOf } = learnedRoutes(3);
      for (const n of [1, 2]) learned.learn('POST', route(`/r${n}`), `/r${n}`, 'p');
      for (let n = 0; n < 10_000; n++) learned.learn('POST', undefined, `/made-up/${n}`, 'p');
      expect(names()).toEqual(['POST /made-up/9999', 'POST /r1', 'POST /r2']);
      expect(partitionsOf('POST', '/r1')).toEqual(['p']);
    });
  });

  it('are not slowed by paths of nothing but slashes', () => {
    const { learned, partitionsOf } = learnedRoutes();
    learned.learn('POST', route('/a/:b'), '/a/1', 'p');
    expect(partitionsOf('POST', '/'.repeat(8_000))).toEqual([]);
  });
});
