import { NAMESPACES } from './place.ts';
import { enforcementSuite } from './suite.ts';

enforcementSuite(NAMESPACES);
