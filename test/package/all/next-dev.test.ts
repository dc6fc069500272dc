import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { connectPatiently } from '../../../src/shared/session/connect.ts';
import { connectionName } from '../../../src/shared/lanes/key-names.ts';
import { startTestRedis } from '../../support/redis.ts';
import { eventually } from '../../support/eventually.ts';
import { manifestOf } from '../support/new-example.ts';
import { newNextApp, startNext } from '../support/next-app.ts';
import { reportApp } from '../support/report-app.ts';

const { next: version = '' } = manifestOf('next').dependencies;
const EDITS = 20;
const namespace = 'reloaded';

let editRoute: (edit: number) => void;
let app: string;

beforeAll(async () => {
  app = await newNextApp();
  const route = join(app, 'app/api/orders/[orderId]/shipped/route.ts');
  const shipping = join(app, 'app/shipping.ts');
  const [routeText, shippingText] = [readFileSync(route, 'utf8'), readFileSync(shipping, 'utf8')];
  editRoute = (edit) => {
    writeFileSync(shipping, `${shippingText}\nexport const edit = ${edit};\n`);
    const answering = routeText.replace('status: 202', `status: 202, headers: { edits: \`${edit} \${edit}\` }`);
    writeFileSync(route, answering.replace('{ tellShipped }', '{ edit, tellShipped }'));
  };
}, 300_000);

describe.each([
  { name: 'Turbopack', report: 'next-dev', args: [] },
  {
    name: 'Turbopack, without Fast Refresh of the server',
    report: 'next-dev-evaluating',
    args: ['--no-server-fast-refresh'],
  },
  { name: 'webpack', report: 'next-dev-webpack', args: ['--webpack'] },
])('examples/next, under `next dev` with $name', ({ name, report, args }) => {
  reportApp(report, {
    app: `Next, \`next dev\` with ${name}`,
    version,
    checked: `one connection after ${EDITS} hot reloads, for a route handler, a page and a server action`,
    needs: 'nothing',
  });

  it(`keeps one connection through ${EDITS} edits of a route and of a module that it imports`, async () => {
    await using redis = await startTestRedis();
    const env = { REDIS_URL: redis.url, KITECHAT_NAMESPACE: namespace };
    await using server = await startNext(app, ['dev', ...args], env);
    for (let edit = 1; edit <= EDITS; edit += 1) {
      editRoute(edit);
      await eventually(`edit ${edit} is served`, async () => {
        const answer = await server.ship(`route-${edit}`);
        return answer.status === 202 && answer.headers.get('edits') === `${edit} ${edit}`;
      });
    }
    expect(await connections(redis.url)).toBe(1);

    expect((await server.open('page')).status).toBe(200);
    const { shown } = await server.submit({ orderId: 'form', pageId: 'p1', conversationId: 'c1' });
    expect(shown.searchParams.has('stored')).toBe(true);
    expect(await connections(redis.url)).toBe(1);
  }, 600_000);
});

/** The connections of producers. */
async function connections(redisUrl: string): Promise<number> {
  const own = connectPatiently({ redisUrl });
  const list = String(await own.call('CLIENT', 'LIST'));
  own.disconnect();
  return list.split('\n').filter((line) => line.includes(` name=${connectionName(namespace)} `)).length;
}
