import fc from 'fast-check';

import type { SendRequest } from '../../../src/shared/model/message.ts';

const graphemes = fc.string({ unit: 'grapheme', maxLength: 40 });
/** Any UTF-16, halves of surrogate pairs and control characters included. */
const anyText = fc.oneof(
  graphemes,
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
);
const someText = anyText.filter((text) => text.length > 0);

const id = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 256 });
const url = fc.webUrl({ withQueryParameters: true, withFragments: true });
const media = fc.constantFrom('image' as const, 'video' as const, 'audio' as const, 'document' as const);

/** Keys in any order: what is stored must keep it. */
function shuffled<T extends object>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return arbitrary.chain((value) =>
    fc
      .shuffledSubarray(Object.keys(value), { minLength: Object.keys(value).length })
      .map((keys) => Object.fromEntries(keys.map((key) => [key, value[key as keyof T]])) as T),
  );
}

const header = fc.oneof(
  shuffled(fc.record({ type: fc.constant('text' as const), text: someText, url }, { requiredKeys: ['type', 'text'] })),
  shuffled(fc.record({ type: media, url, text: anyText }, { requiredKeys: ['type', 'url'] })),
);

const button = fc.oneof(
  shuffled(fc.record({ type: fc.constant('quick_replies' as const), text: someText, payload: someText })),
  shuffled(fc.record({ type: fc.constant('web_url' as const), text: someText, url })),
);

const content = { header, body: anyText, footer: anyText, buttons: fc.array(button, { maxLength: 3 }) };

function hasContent(parts: object): boolean {
  return Object.values(parts).some((part: unknown) =>
    Array.isArray(part) || typeof part === 'string' ? part.length > 0 : true,
  );
}

const card = shuffled(fc.record(content, { requiredKeys: [] }).filter(hasContent));

export const template = shuffled(
  fc.record({ ...content, cards: fc.array(card, { maxLength: 2 }) }, { requiredKeys: [] }).filter(hasContent),
);

const message = fc.oneof(
  shuffled(
    fc.record(
      { type: fc.constant('text' as const), text: someText, url, template },
      { requiredKeys: ['type', 'text'] },
    ),
  ),
  shuffled(fc.record({ type: media, url, text: anyText, template }, { requiredKeys: ['type', 'url'] })),
  shuffled(
    fc.record(
      { type: fc.constant('template' as const), template, text: anyText, url },
      { requiredKeys: ['type', 'template'] },
    ),
  ),
);

/** Every request that the API documents, with its keys in any order. */
export const validRequest: fc.Arbitrary<SendRequest> = shuffled(fc.record({ pageId: id, conversationId: id, message }));
