import { z } from 'zod';

import { fields } from './issues.ts';
import { httpUrl, requiredText } from './value-rules.ts';

export const optionalText = z.string().optional();
export const optionalUrl = httpUrl.optional();

const headerSchema = z.discriminatedUnion('type', [
  fields({ type: z.literal('text'), text: requiredText, url: optionalUrl }),
  fields({ type: z.literal(['image', 'video', 'audio', 'document']), url: httpUrl, text: optionalText }),
]);

const buttonSchema = z.discriminatedUnion('type', [
  fields({ type: z.literal('quick_replies'), text: requiredText, payload: requiredText }),
  fields({ type: z.literal('web_url'), text: requiredText, url: httpUrl }),
]);

const content = {
  header: headerSchema.optional(),
  body: optionalText,
  footer: optionalText,
  buttons: z.array(buttonSchema).optional(),
};

const cardSchema = fields(content).refine(
  hasContent,
  `needs at least one of ${Object.keys(content).join(', ')} that is not empty`,
);

const templateContent = { ...content, cards: z.array(cardSchema).optional() };

export const templateSchema = fields(templateContent).refine(
  hasContent,
  `needs at least one of ${Object.keys(templateContent).join(', ')} that is not empty`,
);

/** `body: ''` or `buttons: []` alone would be a message that shows nothing. */
function hasContent(parts: Record<string, string | object | undefined>): boolean {
  return Object.values(parts).some(
    (part) => part !== undefined && part !== '' && !(Array.isArray(part) && part.length === 0),
  );
}
