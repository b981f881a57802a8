// A counter of four bits: four flip-flops with a synchronous reset, and the increment.
module counter(input clk, input rst, output reg [3:0] q);
  always @(posedge clk)
    if (rst) q <= 0;
    else q <= q + 1;
endmodule

// Two ways to write the greater of two numbers; yosys proves that they are one function.
module greater(input [7:0] a, input [7:0] b, output [7:0] x, output [7:0] y);
  assign x = a > b ? a : b;
  assign y = a - ((a - b) & {8{a < b}});
endmodule
