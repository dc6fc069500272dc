import { loadConfig } from '../shared/config/config.ts';
import { createProducer, type Producer } from './create-producer.ts';

let producer: Producer | undefined;

// Created at the first call, so that importing the package neither connects nor fails.
function defaultProducer(): Producer {
  return (producer ??= createProducer(loadConfig(process.env)));
}

/**
 * Stores one message to be sent, through a producer that the whole process shares. Its settings come from environment variables; it
 * needs no API key. See {@link Producer.enqueueMessage}.
 *
 * @example
 * await enqueueMessage({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } });
 */
export const enqueueMessage: Producer['enqueueMessage'] = async (request, options) =>
  await defaultProducer().enqueueMessage(request, options);

/** Stores many messages through the same producer. See {@link Producer.enqueueMessages}. */
export const enqueueMessages: Producer['enqueueMessages'] = async (items) =>
  await defaultProducer().enqueueMessages(items);
