import { describe, expect, it } from 'vitest';
import { bodyNeeded } from '../../src/inspect/asked.ts';
import { request } from '../match/requests.ts';
import { GRAPHQL, GRPC, JSON_RPC, MCP } from './bodies.ts';

describe('bodyNeeded', () => {
  it.each([
    ['graphql', { ...GRAPHQL, maxBodyBytes: 10 }, 'POST', { maxBytes: 10 }],
    ['graphql, none', GRAPHQL, 'GET', { maxBytes: 0 }],
    ['json-rpc', JSON_RPC, 'POST', { maxBytes: 65_536 }],
    ['json-rpc, none', JSON_RPC, 'DELETE', { maxBytes: 0 }],
    ['mcp', MCP, 'POST', { maxBytes: 65_536 }],
    ['mcp, none', MCP, 'GET', { maxBytes: 0 }],
    ['grpc, which streams', GRPC, 'POST', null],
  ])('%s', (_, reading, method, expected) => {
    expect(bodyNeeded(reading, request(`${method} /x`))).toEqual(expected);
  });
});
