import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../../src/shared/errors/errors.ts';
import { type AcceptedMessage, type FakeKitechat, type Fault, startFakeKitechat } from '../../../src/testing/index.ts';
import { openRequest, sendOnWire, type WireAnswer } from './on-the-wire.ts';
import { post, textRequest } from './requests.ts';

let api: FakeKitechat;
beforeAll(async () => {
  api = await startFakeKitechat();
});
afterAll(() => api.close());
beforeEach(() => api.clear());

function sendInto(fault: Fault): Promise<WireAnswer> {
  api.setFaults([fault]);
  return sendOnWire(api.url, { body: textRequest('a 1') });
}

/** The status that the fake recorded for the one message that it accepted; `undefined` if it accepted none. */
function acceptedWith(): AcceptedMessage['status'] | undefined {
  expect(api.accepted.length).toBeLessThanOrEqual(1);
  return api.accepted[0]?.status;
}

describe('a status fault', () => {
  it('answers with the status and a reason, and does not accept', async () => {
    const { head, body, end } = await sendInto({ kind: 'status', status: 500 });
    expect(head).toMatch(/^HTTP\/1\.1 500 /);
    expect(JSON.parse(body)).toEqual({ success: false, message: 'Fault: status 500' });
    expect(end).toBe('closed');
    expect(acceptedWith()).toBeUndefined();
    expect(api.requests).toMatchObject([{ status: 500, accepted: false, faults: ['status'] }]);
    expect(api.report()).toMatchObject({ requests: 1, accepted: 0, rejected: 0, faults: { status: 1 } });
  });

  it.each([
    [2, '2'],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 'Wed, 21 Oct 2026 07:28:00 GMT'],
  ])('sends Retry-After: %s', async (retryAfter, header) => {
    const { head } = await sendInto({ kind: 'status', status: 429, retryAfter });
    expect(head).toMatch(/^HTTP\/1\.1 429 /);
    expect(head.split('\r\n')).toContain(`retry-after: ${header}`);
  });

  it('sends the given body: text as it is, anything else as JSON', async () => {
    const text = await sendInto({ kind: 'status', status: 503, body: 'request limit exceeded' });
    expect([text.body, text.head.includes('text/plain')]).toEqual(['request limit exceeded', true]);
    const json = await sendInto({ kind: 'status', status: 503, body: { error: ['x'] } });
    expect([json.body, json.head.includes('application/json')]).toEqual(['{"error":["x"]}', true]);
  });

  it('can answer 204, which has no body', async () => {
    const { head, body } = await sendInto({ kind: 'status', status: 204 });
    expect(head).toMatch(/^HTTP\/1\.1 204 /);
    expect(body).toBe('');
    expect(acceptedWith()).toBe(204);
  });

  it('can accept the message all the same', async () => {
    await sendInto({ kind: 'status', status: 502, accept: true });
    expect(acceptedWith()).toBe(502);
  });
});

describe('a fault without an answer', () => {
  it('resets the connection before the message is accepted', async () => {
    expect(await sendInto({ kind: 'reset', when: 'before' })).toMatchObject({ text: '', end: 'reset' });
    expect(acceptedWith()).toBeUndefined();
    expect(api.requests).toMatchObject([{ status: null, answeredAt: null, accepted: false }]);
  });

  it('resets the connection after the message was accepted', async () => {
    expect(await sendInto({ kind: 'reset', when: 'after' })).toMatchObject({ text: '', end: 'reset' });
    expect(acceptedWith()).toBeNull();
  });

  it.each([
    [undefined, 0],
    [true, 1],
  ])('hangs until the client gives up, accept: %s', async (accept, accepted) => {
    api.setFaults([{ kind: 'hang', ...(accept === undefined ? {} : { accept }) }]);
    const socket = openRequest(api.url, { body: textRequest('a 1') });
    let bytes = 0;
    socket.on('data', (chunk) => (bytes += chunk.length));
    await vi.waitFor(() => expect(api.report().faults).toEqual({ hang: 1 }), { timeout: 100_000 });
    await post(api.url.replace('send-message', 'other'), {});
    expect([bytes, socket.destroyed, socket.readableEnded]).toEqual([0, false, false]);
    socket.destroy();
    expect(api.report().accepted).toBe(accepted);
  });

  it.each([
    [{ kind: 'garbage' }, undefined],
    [{ kind: 'garbage', accept: true }, null],
  ] satisfies [Fault, unknown][])('sends bytes that are no HTTP for %j', async (fault, accepted) => {
    const { text, end } = await sendInto(fault);
    expect(text.length).toBeGreaterThan(0);
    expect(text).not.toContain('HTTP/');
    expect(end).toBe('closed');
    expect(acceptedWith()).toBe(accepted);
    await expect(post(api.url, textRequest('a 2'))).rejects.toThrow('fetch failed');
  });
});

describe('a fault in a 2xx answer', () => {
  it('says success: false, and does not accept', async () => {
    const { head, body } = await sendInto({ kind: 'success-false' });
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(JSON.parse(body)).toMatchObject({ success: false });
    expect(acceptedWith()).toBeUndefined();
  });

  it('sends half of the body at once and the rest later', async () => {
    const { body, spreadMs } = await sendInto({ kind: 'slow-body', ms: 80 });
    expect(JSON.parse(body)).toEqual({ success: true });
    expect(spreadMs).toBeGreaterThanOrEqual(70);
    expect(acceptedWith()).toBe(200);
  });

  it('ends the connection in the middle of the body', async () => {
    const { head, body, end } = await sendInto({ kind: 'broken-body' });
    const announced = Number(/content-length: (\d+)/.exec(head)?.[1]);
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(body).toBe('{"succes');
    expect(announced).toBeGreaterThan(body.length);
    expect(end).toBe('closed');
    expect(acceptedWith()).toBe(200);
  });

  it.each([100, 65_536, 1_000_000])('sends %i bytes of valid JSON, unannounced', async (bytes) => {
    api.setFaults([{ kind: 'huge-body', bytes }]);
    const response = await post(api.url, textRequest('a 1'));
    const text = await response.text();
    expect([response.status, text.length, response.headers.get('content-length')]).toEqual([200, bytes, null]);
    expect(JSON.parse(text)).toMatchObject({ success: true });
    expect(acceptedWith()).toBe(200);
  });

  it('survives a client that leaves in the middle of a huge body', async () => {
    api.setFaults([{ kind: 'huge-body', bytes: 500_000_000, times: 1 }]);
    const response = await post(api.url, textRequest('a 1'));
    await response.body?.cancel();
    expect((await post(api.url, textRequest('a 2'))).status).toBe(200);
  });
});

describe('a redirect', () => {
  it.each([
    [undefined, '/moved'],
    ['https://example.com/x', 'https://example.com/x'],
  ])('to %s', async (location, header) => {
    const { head } = await sendInto({ kind: 'redirect', ...(location === undefined ? {} : { location }) });
    expect(head).toMatch(/^HTTP\/1\.1 302 /);
    expect(head.split('\r\n')).toContain(`location: ${header}`);
    expect(acceptedWith()).toBeUndefined();
  });

  it('shows in the requests when a client follows it', async () => {
    api.setFaults([{ kind: 'redirect' }]);
    await fetch(api.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(textRequest('a 1')),
    });
    expect(api.requests).toMatchObject([{ status: 302 }, { method: 'GET', path: '/moved', status: 404 }]);
  });
});

describe('faults together', () => {
  it('adds latency to the fault that comes next', async () => {
    api.setFaults([
      { kind: 'latency', ms: 50 },
      { kind: 'status', status: 500 },
    ]);
    const { status } = await post(api.url, textRequest('a 1'));
    const [request] = api.requests;
    expect(status).toBe(500);
    expect(Number(request?.answeredAt) - Number(request?.arrivedAt)).toBeGreaterThanOrEqual(48);
    expect(api.report().faults).toEqual({ latency: 1, status: 1 });
  });

  it('leaves requests alone that the API would refuse anyway', async () => {
    api.setFaults([{ kind: 'status', status: 500, times: 1 }]);
    expect((await post(api.url, { pageId: 'p1' })).status).toBe(400);
    expect((await post(api.url, textRequest('a 1'))).status).toBe(500);
  });

  it('lets a list of faults be replaced, and a wrong one leaves the old one', async () => {
    api.setFaults([{ kind: 'status', status: 500 }]);
    expect(() => api.setFaults([{ kind: 'status', status: 5 }])).toThrow(ConfigError);
    expect((await post(api.url, textRequest('a 1'))).status).toBe(500);
    api.setFaults([]);
    expect((await post(api.url, textRequest('a 1'))).status).toBe(200);
  });

  it('gives the same messages the same answers with the same seed, also when they are sent at once', async () => {
    const statuses = async (seed: number): Promise<number[]> => {
      await using own = await startFakeKitechat({ seed, faults: [{ kind: 'status', status: 500, rate: 0.3 }] });
      const answers = Array.from({ length: 60 }, async (_, n) => (await post(own.url, textRequest(`a ${n}`))).status);
      return await Promise.all(answers);
    };
    const first = await statuses(7);
    expect(new Set(first)).toEqual(new Set([200, 500]));
    expect(await statuses(7)).toEqual(first);
    expect(await statuses(8)).not.toEqual(first);
  });
});
