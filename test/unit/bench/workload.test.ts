import { describe, expect, it } from 'vitest';
import { requestOf, requestsOf } from '../../../bench/workload.ts';

describe('a workload', () => {
  it('has messages of 300 bytes, whatever their numbers', () => {
    for (const index of [0, 7, 1234, 999_999]) {
      expect(JSON.stringify(requestOf(index, 1000))).toHaveLength(300);
      expect(JSON.stringify(requestOf(index, 1000, '123456.789'))).toHaveLength(300);
    }
  });

  it('lets conversations take turns, each of them on one page', () => {
    const requests = requestsOf({ conversations: 3, messages: 6, from: 3 });
    expect(requests.map(({ pageId, conversationId }) => `${pageId} ${conversationId}`)).toEqual([
      'page-0 conversation-0',
      'page-1 conversation-1',
      'page-2 conversation-2',
      'page-0 conversation-0',
      'page-1 conversation-1',
      'page-2 conversation-2',
    ]);
    expect(requests.map(({ message }) => Number.parseInt(message.text ?? '', 10))).toEqual([3, 4, 5, 6, 7, 8]);
  });
});
