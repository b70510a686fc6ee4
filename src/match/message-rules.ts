/** The rules of one kind, of endpoints that are read alike, about what their requests ask for. */
import type { MessageRules } from '../plan/messages.ts';
import type { AskedItem } from './asked.ts';
import { CallRules } from './call-rules.ts';
import type { IndexedEndpoint } from './egress-index.ts';
import type { Grants } from './grants.ts';
import { GrpcMethodRules } from './grpc-rules.ts';
import { OperationRules } from './operation-rules.ts';
import type { PlacedRule, RuleKind } from './placed-rule.ts';

export class MessageRulesIndex {
  readonly #kind: RuleKind;
  readonly #operations: OperationRules;
  readonly #calls: CallRules;
  readonly #methods: GrpcMethodRules;

  constructor(kind: RuleKind) {
    this.#kind = kind;
    this.#operations = new OperationRules(kind);
    this.#calls = new CallRules(kind);
    this.#methods = new GrpcMethodRules(kind);
  }

  get isEmpty(): boolean {
    return this.#operations.isEmpty && this.#calls.isEmpty && this.#methods.isEmpty;
  }

  add(owner: IndexedEndpoint, messages: MessageRules): void {
    switch (messages.kind) {
      case 'graphql':
        for (const [place, rule] of messages[this.#kind].entries()) this.#operations.add(owner, rule, place);
        break;
      case 'json-rpc':
      case 'mcp':
        for (const [place, rule] of messages[this.#kind].entries()) this.#calls.add(owner, rule, place);
        break;
      case 'grpc':
        for (const [place, rule] of messages[this.#kind].entries()) this.#methods.add(owner, rule, place);
        break;
    }
  }

  first(item: AskedItem, grants: Grants, visit?: () => void): PlacedRule | null {
    switch (item.kind) {
      case 'operation':
        return this.#operations.first(item, grants, visit);
      case 'call':
        return this.#calls.first(item, grants, visit);
      case 'method':
        return this.#methods.first(item, grants, visit);
    }
  }
}
