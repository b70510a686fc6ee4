import { CONTAINERS } from './place.ts';
import { enforcementSuite } from './suite.ts';

for (const place of CONTAINERS) enforcementSuite(place);
