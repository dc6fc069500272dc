import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import type { Producer, Receipt } from 'kitechat-sender';
import { PRODUCER } from './kitechat.module.js';

interface Shipped {
  pageId: string;
  conversationId: string;
}

@Controller('orders')
export class OrdersController {
  constructor(@Inject(PRODUCER) private readonly producer: Producer) {}

  /** Answers as soon as the message is stored. A repeated request doesn't repeat the message. */
  @Post(':orderId/shipped')
  @HttpCode(202)
  async shipped(@Param('orderId') orderId: string, @Body() { pageId, conversationId }: Shipped): Promise<Receipt> {
    return await this.producer.enqueueMessage(
      { pageId, conversationId, message: { type: 'text', text: `Order ${orderId} is on its way.` } },
      { idempotencyKey: `order-${orderId}-shipped` },
    );
  }
}
