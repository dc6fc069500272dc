import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
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

let app: string;
beforeAll(async () => {
  app = await newNextApp();
}, 300_000);

describe('examples/next, under `next dev`', () => {
  reportApp('next-dev', {
    app: 'Next, `next dev` with Turbopack',
    version,
    checked: `one connection after ${EDITS} hot reloads, for the route handler, a page and a server action`,
    needs: 'nothing',
  });

  it(
    `keeps one connection through ${EDITS} edits of the route and of a module that it imports`,
    { timeout: 600_000 },
    async () => {
      await using redis = await startTestRedis();
      await using server = await startNext(app, 'dev', { REDIS_URL: redis.url, KITECHAT_NAMESPACE: namespace });
      const names = async (): Promise<string[]> => {
        const own = connectPatiently({ redisUrl: redis.url });
        const list = String(await own.call('CLIENT', 'LIST'));
        own.disconnect();
        return [...list.matchAll(/ name=(\S+)/g)].map(([, name = '']) => name);
      };

      const route = join(app, 'app/api/orders/[orderId]/shipped/route.ts');
      const shipping = join(app, 'app/shipping.ts');
      const original = readFileSync(route, 'utf8').replace(`import { tellShipped`, `import { tellShipped, edit`);
      appendFileSync(shipping, `\nexport const edit = 0;\n`);
      for (let edit = 1; edit <= EDITS; edit += 1) {
        writeFileSync(route, original.replace('status: 202', `status: 202, headers: { edits: \`${edit} \${edit}\` }`));
        writeFileSync(shipping, readFileSync(shipping, 'utf8').replace(/edit = \d+/, `edit = ${edit}`));
        await eventually(`edit ${edit} is served`, async () => {
          const answer = await server.ship(`route-${edit}`);
          return answer.status === 202 && answer.headers.get('edits') === `${edit} ${edit}`;
        });
      }
      expect((await names()).filter((name) => name === connectionName(namespace))).toHaveLength(1);

      expect((await server.open('page')).status).toBe(200);
      const { shown } = await server.submit({ orderId: 'form', pageId: 'p1', conversationId: 'c1' });
      expect(shown.searchParams.has('stored')).toBe(true);
      expect((await names()).filter((name) => name === connectionName(namespace))).toHaveLength(1);
    },
  );
});
