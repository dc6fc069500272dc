import { codeOf, problemOf } from '../../../../problems';
import { tellShipped } from '../../../../shipping';

interface Context {
  params: Promise<{ orderId: string }>;
}

/** Answers as soon as the message is stored, without waiting for the Kitechat API. */
export async function POST(request: Request, { params }: Context): Promise<Response> {
  const { orderId } = await params;
  const { pageId, conversationId } = await request.json();
  try {
    return Response.json(await tellShipped({ orderId, pageId, conversationId }), { status: 202 });
  } catch (error) {
    const code = codeOf(error);
    return Response.json({ code }, { status: problemOf(code)?.status });
  }
}
