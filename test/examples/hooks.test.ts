import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { setStage } from './support/stage.ts';

/** A CRM that fails at first, and then knows that one conversation has opted out and an agent writes in another one. */
async function startCrm() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const conversation = (request.url ?? '').replace('/conversations/', '');
    asked.push(conversation);
    response.statusCode = asked.length === 1 ? 500 : 200;
    response.end(
      JSON.stringify({ optedOut: conversation === 'opted-out', agentIsWriting: conversation === 'writing' }),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => {
        server.close(closed);
      });
    },
  };
}

describe('examples/hooks', () => {
  it('gives keys, asks before a campaign’s message is sent, and knows what the API means', async () => {
    await using crm = await startCrm();
    await using stage = await setStage({
      faults: [
        {
          kind: 'status',
          status: 200,
          body: { status: 'quota', resetInMs: 50 },
          accept: false,
          match: { conversationId: 'quota', nth: 1 },
        },
        { kind: 'status', status: 200, body: { status: 'locked' }, accept: false, match: { conversationId: 'locked' } },
      ],
    });
    const store = async (conversationId: string, label?: string, pageId = 'p1'): Promise<string> => {
      const request = { pageId, conversationId, message: { type: 'text', text: 'Hello' } } as const;
      return (await stage.producer.enqueueMessage(request, label === undefined ? {} : { label })).id;
    };
    await stage.startWorker({
      KITECHAT_HOOKS_FILE: join(inject('examples'), 'hooks/hooks.mjs'),
      // The hook's keys are used in place of this one.
      KITECHAT_API_KEY: '',
      CRM_URL: crm.url,
      PAGE_KEYS: JSON.stringify({ p1: 'page-key', p2: 'page-key', p3: 'page-key' }),
    });
    const outcomesOf = async (id: string, status: 'delivered' | 'dead' | 'held'): Promise<unknown> =>
      (await stage.until(id, status)).attempts.map(({ outcome }) => outcome);

    expect(await outcomesOf(await store('fine', 'campaign-spring'), 'delivered')).toEqual(['not-sent', 'delivered']);
    expect(await outcomesOf(await store('opted-out', 'campaign-spring'), 'dead')).toEqual(['rejected']);
    expect(await outcomesOf(await store('writing', 'campaign-spring'), 'held')).toEqual(['held']);
    expect(crm.asked).toEqual(['fine', 'fine', 'opted-out', 'writing']);
    expect(await outcomesOf(await store('opted-out'), 'delivered')).toEqual(['delivered']);
    expect(await outcomesOf(await store('quota', undefined, 'p2'), 'delivered')).toEqual(['held', 'delivered']);
    expect(await outcomesOf(await store('locked', undefined, 'p3'), 'held')).toEqual(['held']);
    expect(await outcomesOf(await store('other', undefined, 'p3'), 'delivered')).toEqual(['delivered']);
    expect(new Set(stage.api.requests.map(({ headers }) => headers['apikey']))).toEqual(new Set(['page-key']));
  });
});
