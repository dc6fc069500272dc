import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { createProducer, type Producer } from 'kitechat-sender';

export const PRODUCER = Symbol('kitechat producer');
const useFactory = (): Producer => createProducer({ redisUrl: process.env['REDIS_URL'], enqueueTimeoutMs: 2000 });

@Module({ providers: [{ provide: PRODUCER, useFactory }], exports: [PRODUCER] })
export class KitechatModule implements OnApplicationShutdown {
  constructor(@Inject(PRODUCER) private readonly producer: Producer) {}

  async onApplicationShutdown(): Promise<void> {
    await this.producer.close();
  }
}
