"""What is usual: samples the traces that have arrived, and adds up what they look like."""
