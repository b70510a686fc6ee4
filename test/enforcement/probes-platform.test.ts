import { PLATFORM } from './place.ts';
import { enforcementSuite } from './suite.ts';

enforcementSuite(PLATFORM);
