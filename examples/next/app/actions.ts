'use server';

import { redirect } from 'next/navigation';
import { codeOf } from './problems';
import { tellShipped } from './shipping';

/** What the form does. It works before the page's JavaScript has loaded, and without any. */
export async function ship(form: FormData): Promise<void> {
  const field = (name: string): string => String(form.get(name) ?? '');
  let outcome: Record<string, string>;
  try {
    const { id } = await tellShipped({
      orderId: field('orderId'),
      pageId: field('pageId'),
      conversationId: field('conversationId'),
    });
    outcome = { stored: id };
  } catch (error) {
    outcome = { problem: codeOf(error) };
  }
  // Outside of `try`: Next redirects by throwing.
  redirect(`/?${new URLSearchParams(outcome)}`);
}
