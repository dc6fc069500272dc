import { ship } from './actions';
import { problemOf } from './problems';

interface Props {
  searchParams: Promise<{ stored?: string; problem?: string }>;
}

export default async function Page({ searchParams }: Props) {
  const { stored, problem } = await searchParams;
  return (
    <main>
      <h1>Order shipped</h1>
      {stored && <p role="status">The message is stored: {stored}</p>}
      {problem && <p role="alert">{problemOf(problem)?.text}</p>}
      <form action={ship}>
        <label>
          Order <input name="orderId" required />
        </label>
        <label>
          Page <input name="pageId" required />
        </label>
        <label>
          Conversation <input name="conversationId" required />
        </label>
        <button>Tell the customer</button>
      </form>
    </main>
  );
}
