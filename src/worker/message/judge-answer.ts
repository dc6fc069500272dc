import type { Exchange } from '../http/exchange.ts';
import { foreignContent, foreignType } from './foreign-answer.ts';
import { refusalIn } from './refusal.ts';

/** Which answers with a status 2xx mean `delivered`. */
export type AnswerRule = 'strict' | 'any-2xx';

/** What counts of an answer with a status 2xx. */
export type SuccessfulAnswer = Pick<Exchange, 'contentType' | 'body' | 'bodyState'>;

/** The judgement of an answer with a status 2xx. */
export interface AnswerVerdict {
  kind: 'delivered' | 'rejected' | 'unknown';
  /** Why the message isn't `delivered`, as words that follow the status. They quote nothing of the answer. */
  detail: string | null;
}

/**
 * Judges an answer with a status 2xx. The status alone proves little: APIs report failures in the body, and proxies answer with pages of
 * their own. An answer that reports a failure is `rejected`; an answer that can't be the API's is `unknown`.
 */
export function judgeAnswer(answer: SuccessfulAnswer, rule: AnswerRule): AnswerVerdict {
  const body = answer.body.trim();
  // An empty body is an answer under every content type: many servers send their default type with it.
  if (body === '') return delivered;
  const json = parseJson(body);
  if (rule === 'any-2xx') return json && saysSuccessFalse(json.value) ? rejected(SUCCESS_FALSE) : delivered;
  const type = foreignType(answer.contentType);
  if (type !== null) return unknown(type);
  if (json) {
    const refusal = refusalIn(json.value);
    return refusal === null ? delivered : rejected(refusal);
  }
  const content = foreignContent(answer, body);
  return content === null ? delivered : unknown(content);
}

const SUCCESS_FALSE = 'the answer says success: false';
const delivered: AnswerVerdict = { kind: 'delivered', detail: null };

function rejected(refusal: string): AnswerVerdict {
  return { kind: 'rejected', detail: `, but ${refusal}` };
}

function unknown(content: string): AnswerVerdict {
  return { kind: 'unknown', detail: ` with ${content} instead of an answer of the API` };
}

function parseJson(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

function saysSuccessFalse(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('success' in answer)) return false;
  return answer.success === false || answer.success === 0;
}
