import { afterAll, expect, test } from 'bun:test';
import { closeDefaultProducer, enqueueMessage, InvalidMessageError } from 'kitechat-sender';
import { startFakeKitechat } from 'kitechat-sender/testing';

const request = { pageId: 'p1', conversationId: 'c2', message: { type: 'text', text: 'Hello' } } as const;

afterAll(() => closeDefaultProducer());

test('a message is stored, and one without a page is refused', async () => {
  expect(await enqueueMessage(request)).toMatchObject({ duplicate: false });
  expect(await enqueueMessage({ ...request, pageId: '' }).catch((error) => error)).toBeInstanceOf(InvalidMessageError);
});

test('the fake API takes a message', async () => {
  await using api = await startFakeKitechat();
  const headers = { 'content-type': 'application/json', apikey: 'any' };
  const { status } = await fetch(api.url, { method: 'POST', headers, body: JSON.stringify(request) });
  expect(status).toBe(200);
  expect(api.accepted.map(({ message }) => message)).toEqual([request.message]);
});
