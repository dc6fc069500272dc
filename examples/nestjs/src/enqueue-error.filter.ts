import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  ConflictException,
  type HttpException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { IdempotencyConflictError, InvalidMessageError, KitechatSenderError } from 'kitechat-sender';

@Catch(KitechatSenderError)
export class EnqueueErrorFilter extends BaseExceptionFilter {
  override catch(error: KitechatSenderError, host: ArgumentsHost): void {
    super.catch(answerTo(error), host);
  }
}

function answerTo(error: KitechatSenderError): HttpException {
  if (error instanceof InvalidMessageError) return new BadRequestException({ issues: error.issues });
  if (error instanceof IdempotencyConflictError) return new ConflictException({ id: error.id });
  // The message may have been stored or not: with the idempotency key, asking again is safe.
  return new ServiceUnavailableException('Please try again.');
}
