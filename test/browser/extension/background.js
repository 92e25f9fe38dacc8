import './classify.js';
