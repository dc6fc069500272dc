import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../../src/shared/errors/errors.ts';
import { type FakeKitechat, type FakeKitechatOptions, startFakeKitechat } from '../../../src/testing/index.ts';
import { listen } from '../../../src/testing/fake-api/listen.ts';
import { openRequest, sendOnWire } from './on-the-wire.ts';
import { post, textRequest } from './requests.ts';

let api: FakeKitechat;
beforeEach(async () => {
  api = await startFakeKitechat();
});
afterEach(() => api.close());

async function restartWith(options: FakeKitechatOptions): Promise<void> {
  await api.close();
  api = await startFakeKitechat(options);
}

describe('what the fake API lets in', () => {
  it('listens on loopback, on a port of its own, at the documented path', () => {
    expect(api.url).toBe(`http://127.0.0.1:${api.port}/kitechat/send-message`);
  });

  it.each([
    { type: 'text', text: 'Hello' },
    { type: 'image', url: 'https://example.com/a.png', text: 'A caption' },
    { type: 'video', url: 'https://example.com/a.mp4' },
    { type: 'audio', url: 'https://example.com/a.mp3' },
    { type: 'document', url: 'https://example.com/a.pdf' },
    { type: 'template', template: { body: 'Yes?', buttons: [{ type: 'quick_replies', text: 'Yes', payload: 'y' }] } },
  ])('accepts a message of type $type', async (message) => {
    const request = { pageId: 'p1', conversationId: 'c1', message };
    const response = await post(api.url, request);
    expect([response.status, await response.json()]).toEqual([200, { success: true }]);
    expect(api.accepted).toEqual([expect.objectContaining(request)]);
  });

  it.each([
    ['no object', 'Hello', 'request: must be an object'],
    ['a missing page', { conversationId: 'c1', message: { type: 'text', text: 'x' } }, 'pageId: is required'],
    ['a text message without a text', { ...textRequest('x'), message: { type: 'text' } }, 'message.text: is required'],
    ['an undocumented field', { ...textRequest('x'), priority: 1 }, 'priority: is not a documented field'],
  ])('answers 400 to %s, with the place, and accepts nothing', async (_what, body, message) => {
    const response = await post(api.url, body);
    expect([response.status, await response.json()]).toEqual([400, { success: false, message }]);
    expect(api.accepted).toEqual([]);
    expect(api.requests).toEqual([expect.objectContaining({ body, status: 400, accepted: false })]);
    expect(api.report()).toMatchObject({ requests: 1, accepted: 0, rejected: 1 });
  });

  it('answers 400 to a body that is no JSON, and keeps its text', async () => {
    const { head } = await sendOnWire(api.url, { body: '{"pageId":' });
    expect(head).toContain('HTTP/1.1 400 ');
    expect(api.requests).toEqual([expect.objectContaining({ body: '{"pageId":', status: 400 })]);
  });

  it('answers 400 to JSON that is not announced as such', async () => {
    const response = await post(api.url, textRequest('x'), { 'content-type': 'text/plain' });
    expect(response.status).toBe(400);
  });

  it('answers 413 to a body over 1 MiB', async () => {
    expect((await post(api.url, textRequest('x'.repeat(1024 * 1024)))).status).toBe(413);
  });

  it('answers 404 to other paths and 405 to other methods', async () => {
    expect((await post(api.url.replace('send-message', 'send'), textRequest('x'))).status).toBe(404);
    expect((await fetch(api.url)).status).toBe(405);
    expect(api.report()).toMatchObject({ requests: 2, accepted: 0, rejected: 2 });
  });

  it('answers 401 to a wrong and a missing key if it was given keys', async () => {
    await restartWith({ apiKeys: ['k1', 'k2'] });
    expect((await post(api.url, textRequest('x'))).status).toBe(401);
    expect((await post(api.url, textRequest('x'), { apikey: 'k3' })).status).toBe(401);
    expect((await post(api.url, textRequest('x'), { apikey: 'k2' })).status).toBe(200);
    expect(api.requests.map(({ headers }) => headers['apikey'])).toEqual([undefined, 'k3', 'k2']);
    expect(api.report()).toMatchObject({ requests: 3, accepted: 1, rejected: 2 });
  });
});

describe('how the fake API answers', () => {
  it.each([
    ['success-true', ['{"success":true}', '{"success":true}', '{"success":true}', '{"success":true}']],
    ['success-1', ['{"success":1}', '{"success":1}', '{"success":1}', '{"success":1}']],
    ['ok-text', ['Ok', 'Ok', 'Ok', 'Ok']],
    ['rotate', ['{"success":true}', '{"success":1}', 'Ok', '{"success":true}']],
  ] as const)('says yes as %s', async (answer, bodies) => {
    await restartWith({ answer });
    const answers: string[] = [];
    for (const n of bodies.keys()) answers.push(await (await post(api.url, textRequest(`m ${n}`))).text());
    expect(answers).toEqual(bodies);
  });

  it('takes the latency for every answer, but accepts at once', async () => {
    await restartWith({ latencyMs: 60 });
    await post(api.url, textRequest('a 1'));
    const [accepted] = api.accepted;
    const at = Number(accepted?.at);
    expect(Number(accepted?.answeredAt) - at).toBeGreaterThanOrEqual(58);
    expect(at).toBeGreaterThanOrEqual(Number(accepted?.arrivedAt));
    expect(Math.abs(Date.now() - at)).toBeLessThan(10_000);
  });

  it('takes a new latency from then on', async () => {
    await restartWith({ latencyMs: 30_000 });
    api.setLatencyMs(0);
    expect((await post(api.url, textRequest('a 1'))).status).toBe(200);
    expect(() => api.setLatencyMs(-1)).toThrow(ConfigError);
  });

  it('records an answer that nobody waited for as none', async () => {
    api.setLatencyMs(60_000);
    const socket = openRequest(api.url, { body: textRequest('a 1') });
    await api.waitForAccepted(1);
    socket.destroy();
    await post(api.url.replace('send-message', 'other'), {});
    expect(api.accepted).toEqual([expect.objectContaining({ answeredAt: null, status: null })]);
  });
});

describe('what the fake API reports', () => {
  it('finds planted duplicates and disorder', async () => {
    for (const text of ['a 1', 'a 3', 'a 2', 'a 1']) await post(api.url, textRequest(text));
    await post(api.url, textRequest('a 1', 'c2'));
    expect(api.report()).toMatchObject({
      requests: 5,
      accepted: 5,
      rejected: 0,
      duplicates: { count: 1, examples: [textRequest('a 1')] },
      outOfOrder: { count: 1, examples: [{ ...textRequest('a 2'), sequence: 2, after: 3 }] },
      overlaps: { count: 0, examples: [] },
    });
  });

  it('finds a request that came while an earlier one of its conversation was open, until that client is gone', async () => {
    api.setFaults([{ kind: 'hang', match: { textIncludes: 'hang' } }]);
    const socket = openRequest(api.url, { body: textRequest('hang 1') });
    await vi.waitFor(() => expect(api.report().faults).toEqual({ hang: 1 }), { timeout: 100_000 });
    await post(api.url, textRequest('a 2'));
    await post(api.url, textRequest('a 1', 'c2'));
    const overlaps = {
      count: 1,
      examples: [expect.objectContaining({ ...textRequest('a 2'), during: { type: 'text', text: 'hang 1' } })],
    };
    expect(api.report().overlaps).toEqual(overlaps);
    socket.destroy();
    await post(api.url, textRequest('a 3'));
    expect(api.report().overlaps).toEqual(overlaps);
  });

  it('takes a request for answered as soon as its answer has begun', async () => {
    api.setFaults([{ kind: 'slow-body', ms: 60_000, times: 1 }]);
    const socket = openRequest(api.url, { body: textRequest('a 1') });
    await once(socket, 'data');
    await post(api.url, textRequest('a 2'));
    expect(api.report()).toMatchObject({ accepted: 2, overlaps: { count: 0 } });
    socket.destroy();
  });

  it('finds no overlap in quick requests one after the other', async () => {
    for (let n = 1; n <= 200; n++) await post(api.url, textRequest(`a ${n}`));
    expect(api.report()).toMatchObject({ accepted: 200, overlaps: { count: 0 }, outOfOrder: { count: 0 } });
  });

  it("takes the caller's notion of identity and order", async () => {
    await restartWith({
      identify: ({ message }) => (message.text ?? '').slice(0, 1),
      sequenceOf: ({ message }) => (message.text ?? '').length,
    });
    for (const text of ['abc', 'b', 'axyz']) await post(api.url, textRequest(text));
    expect(api.report()).toMatchObject({ duplicates: { count: 1 }, outOfOrder: { count: 1 } });
  });

  it('keeps only so many requests, the newest, and counts all', async () => {
    await restartWith({ keepRequests: 20 });
    for (let n = 1; n <= 50; n++) {
      await post(api.url, textRequest(`a ${n}`));
      expect(api.requests.length).toBeLessThanOrEqual(20);
    }
    expect(api.accepted.at(-1)).toMatchObject(textRequest('a 50'));
    expect(api.accepted.length).toBeGreaterThanOrEqual(18);
    await post(api.url, textRequest('a 1'));
    expect(api.report()).toMatchObject({ requests: 51, accepted: 51, duplicates: { count: 1 } });
  });

  it('forgets everything on clear, and starts to count anew', async () => {
    await post(api.url, textRequest('a 2'));
    api.clear();
    expect([api.requests, api.accepted]).toEqual([[], []]);
    for (const text of ['a 1', 'a 2']) await post(api.url, textRequest(text));
    expect(api.report()).toMatchObject({
      requests: 2,
      accepted: 2,
      duplicates: { count: 0 },
      outOfOrder: { count: 0 },
    });
  });
});

describe('waitForAccepted', () => {
  it('settles when so many were accepted', async () => {
    const waiting = api.waitForAccepted(2);
    await post(api.url, textRequest('a 1'));
    await post(api.url, textRequest('a 2'));
    await waiting;
    await api.waitForAccepted(1);
    expect(api.accepted).toHaveLength(2);
  });

  it('says how many there were when the time is up', async () => {
    await post(api.url, textRequest('a 1'));
    await expect(api.waitForAccepted(3, { timeoutMs: 5 })).rejects.toThrow('1 of 3 messages were accepted within 5 ms');
  });

  it('rejects when the fake API is closed', async () => {
    const closed = expect(api.waitForAccepted(1)).rejects.toThrow('The fake API was closed when 0 of 1');
    await api.close();
    await closed;
  });
});

describe('starting and closing the fake API', () => {
  it('ends open connections when it is closed, and can be closed twice', async () => {
    api.setFaults([{ kind: 'hang' }]);
    const answer = sendOnWire(api.url, { body: textRequest('a 1') });
    await vi.waitFor(() => expect(api.report().faults).toEqual({ hang: 1 }), { timeout: 100_000 });
    await Promise.all([api.close(), api.close()]);
    expect((await answer).text).toBe('');
    await expect(post(api.url, textRequest('a 2'))).rejects.toThrow('fetch failed');
  });

  it('closes at the end of a block with `await using`', async () => {
    let url: string;
    {
      await using own = await startFakeKitechat();
      ({ url } = own);
      expect((await post(url, textRequest('a 1'))).status).toBe(200);
    }
    await expect(post(url, textRequest('a 2'))).rejects.toThrow('fetch failed');
  });

  it('names a port that is taken', async () => {
    const other = createServer();
    const port = await listen(other, '127.0.0.1', 0);
    await expect(startFakeKitechat({ port })).rejects.toThrow(
      /port: is in use; choose another port, or 0.*127\.0\.0\.1:\d+/,
    );
    other.close();
  });

  it.each([
    [{ host: '' }, /^host: /],
    [{ port: 70_000 }, 'port: must be at most 65535'],
    [{ apiKeys: [] }, 'apiKeys: omit it to accept every key'],
    [{ latency: 5 }, 'latency: is not a documented field, did you mean latencyMs?'],
    [{ faults: [{ kind: 'hang', rate: 5 }] }, 'faults[0].rate: must be at most 1'],
    [{ identify: 'id' }, 'identify: must be a function'],
  ])('refuses the options %j', async (options, problem) => {
    const error: unknown = await startFakeKitechat(options as FakeKitechatOptions).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    const problems = [typeof problem === 'string' ? problem : expect.stringMatching(problem)];
    expect((error as ConfigError).problems).toEqual(problems);
  });
});
