import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { EnqueueErrorFilter } from './enqueue-error.filter.js';
import { KitechatModule } from './kitechat.module.js';
import { OrdersController } from './orders.controller.js';

@Module({
  imports: [KitechatModule],
  controllers: [OrdersController],
  providers: [{ provide: APP_FILTER, useClass: EnqueueErrorFilter }],
})
export class AppModule {}
