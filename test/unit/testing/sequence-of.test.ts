import { describe, expect, it } from 'vitest';
import type { KitechatMessage } from '../../../src/shared/model/message.ts';
import { sequenceOf } from '../../../src/testing/fake-api/sequence-of.ts';

describe('sequenceOf', () => {
  it.each<[KitechatMessage, number | null]>([
    [{ type: 'text', text: 'Hello 17' }, 17],
    [{ type: 'text', text: 'c3-17, sent at 12:05' }, 5],
    [{ type: 'text', text: 'message #0042!' }, 42],
    [{ type: 'text', text: 'no number' }, null],
    [{ type: 'text', text: '99999999999999999999' }, null],
    [{ type: 'image', url: 'https://example.com/17.png' }, 17],
    [{ type: 'video', url: 'https://example.com/17.mp4' }, 17],
    [{ type: 'video', url: 'https://example.com/clip.mp4?n=17' }, 17],
    [{ type: 'audio', url: 'http://127.0.0.1:8080/song.mp3' }, null],
    [{ type: 'document', url: 'https://example.com/3.pdf', text: 'page 17' }, 17],
    [{ type: 'document', url: 'https://example.com/3.pdf', text: 'no number' }, 3],
    [{ type: 'template', template: { body: 'Order 17' } }, 17],
    [{ type: 'template', template: { header: { type: 'text', text: 'Order 17' }, body: 'is on its way' } }, 17],
    [{ type: 'template', template: { footer: '17' } }, null],
  ])('reads %j as %s', (message, sequence) => {
    expect(sequenceOf({ pageId: 'p1', conversationId: 'c1', message })).toBe(sequence);
  });
});
