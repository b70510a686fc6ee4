import { describe, expect, it } from 'vitest';
import { ask, type Given, GRPC, short } from './bodies.ts';

const TYPE: Given = { 'content-type': 'application/grpc' };

describe('gRPC', () => {
  it.each([
    ['POST /helloworld.Greeter/SayHello', TYPE, ['helloworld.Greeter/SayHello']],
    ['POST /Greeter/SayHello', { 'content-type': 'application/grpc+proto' }, ['Greeter/SayHello']],
    ['POST /a.B/C', { 'content-type': 'application/grpc-web-text' }, ['a.B/C']],
    ['POST /a.B/x/../C', TYPE, ['a.B/C']],
    ['POST /a.%42/C', TYPE, ['a.B/C']],
    ['GET /a.B/C', TYPE, '! grpc_invalid: gRPC is asked for with POST'],
    [
      'POST /a.B/C',
      { 'content-type': 'application/json' },
      '! grpc_invalid: the Content-Type is not `application/grpc`',
    ],
    [
      'POST /a.B/C',
      { 'content-type': 'application/grpcx' },
      '! grpc_invalid: the Content-Type is not `application/grpc`',
    ],
    ['POST /a.B/C', {}, '! grpc_invalid: the Content-Type is not `application/grpc`'],
    ['POST /a.B', TYPE, '! grpc_invalid: the path is not `/package.Service/Method`'],
    ['POST /a.B/C/', TYPE, '! grpc_invalid: the path is not `/package.Service/Method`'],
    ['POST /x/a.B/C', TYPE, '! grpc_invalid: the path is not `/package.Service/Method`'],
    ['POST /a..B/C', TYPE, '! grpc_invalid: the path is not `/package.Service/Method`'],
    ['POST /a.B/C%3A', TYPE, '! grpc_invalid: the path is not `/package.Service/Method`'],
    ['POST /a.B/C?x', TYPE, '! grpc_invalid: the path is not `/package.Service/Method`'],
  ])('%s with %j', async (target, given, expected) => {
    expect(short(await ask(GRPC, target, '', given))).toEqual(expected);
  });
});
