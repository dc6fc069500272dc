import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  ConflictException,
  type HttpException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import {
  EnqueueUncertainError,
  IdempotencyConflictError,
  InvalidMessageError,
  KitechatSenderError,
  QueueFullError,
  QueueUnavailableError,
} from 'kitechat-sender';

const PASSING = [QueueUnavailableError, QueueFullError, EnqueueUncertainError];

@Catch(KitechatSenderError)
export class EnqueueErrorFilter extends BaseExceptionFilter {
  override catch(error: KitechatSenderError, host: ArgumentsHost): void {
    // What no caller can help, such as a wrong setting, Nest logs and answers with 500. It logs no HttpException.
    super.catch(answerTo(error) ?? error, host);
  }
}

function answerTo(error: KitechatSenderError): HttpException | undefined {
  if (error instanceof InvalidMessageError) return new BadRequestException({ issues: error.issues });
  if (error instanceof IdempotencyConflictError) return new ConflictException({ id: error.id });
  if (error.isInternal || !PASSING.some((kind) => error instanceof kind)) return undefined;
  // The message may have been stored or not: with the idempotency key, asking again is safe.
  return new ServiceUnavailableException('Please try again.');
}
