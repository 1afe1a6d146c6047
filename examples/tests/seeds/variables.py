import pullback as tc
from pullback.autograd import Variable

x = Variable(tc.Tensor([1]), requires_grad=True) #define x =1
w = Variable(tc.Tensor([2]), requires_grad=True) #define w =2
b = Variable(tc.Tensor([3]), requires_grad=True) #define b =3

y = w * x + b 

y.backward() # to compute gradient of y

print(x.grad_fn) # x is created by us, so no grad_fn

# x has the gradient, resulted from y.backward() 
# and when the flag of requires_grad is true
print(x.grad) 

print(y.grad_fn) # y is a function

print(y.grad) # y is not created by us, thus no grad

# Initialization of the example
N, D_in, H, D_out = 24, 1000, 100, 4
learning_rate = 1e-6

dtype = tc.cuda.FloatTensor
# dtype = tc.FloatTensor

x = Variable(tc.randn(N, D_in).type(dtype), requires_grad=False) # input
y = Variable(tc.randn(N, D_out).type(dtype), requires_grad=False) # output

w1 = Variable(tc.randn(D_in, H).type(dtype), requires_grad=True) # weights_1
w2 = Variable(tc.randn(H, D_out).type(dtype), requires_grad=True) # weights_2

for t in range(200):
    # As weigths had the True flagged for gradient requirement, 
    # computations do not need references of backward pass, 
    # the computation of gradients are automated
    y_pred = x.mm(w1).clamp(min=0).mm(w2)
    
    # Initialized the loss to get the gradients
    loss = (y_pred - y).pow(2).sum()
    # The loss has become of the Variables as it uses y and y_pred in computation. 
    # .grad_fn and .backward()is available.
    print(t, loss.data[0])
    
    # The supposed backward computations to get the gradients
    # grad_y_pred = 2.0 * (y_pred - y)
    # grad_w2 = h_relu.t().mm(grad_y_pred)
    # grad_h_relu = grad_y_pred.mm(w2.t())
    # grad_h = grad_h_relu.clone()
    # grad_h[h < 0] = 0
    # grad_w1 = x.t().mm(grad_h)
    loss.backward()
    
    # Gradients only available for weights because only Weights (w1 and w2) got the reguires_grad as True
    # Update the weights by substracting the gradients: w = w - learning_rate*w_gradients
    w1.data -= learning_rate * w1.grad.data
    w2.data -= learning_rate * w2.grad.data
    
    # Zeroing the gradients after its use
    w1.grad.data.zero_()
    w2.grad.data.zero_()

print(y,y_pred)

class MyReLU(tc.autograd.Function):
    """
    Relu is defined
    """
    def forward(self, input):
        """
        In the forward pass we receive a Tensor containing the input and return a
        Tensor containing the output. You can cache arbitrary Tensors for use in the
        backward pass using the save_for_backward method.
        """
        self.save_for_backward(input)
        return input.clamp(min=0)

    def backward(self, grad_output):
        """
        In the backward pass we receive a Tensor containing the gradient of the loss
        with respect to the output, and we need to compute the gradient of the loss
        with respect to the input.
        """
        input, = self.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input

# Define new set of weights to test the new functions
w1_new = Variable(tc.randn(D_in, H).type(dtype), requires_grad=True)
w2_new = Variable(tc.randn(H, D_out).type(dtype), requires_grad=True) 

for t in range(200):
    # defining the function to be used
    relu = MyReLU()
    
    y_pred = relu(x.mm(w1_new)).mm(w2_new)
     
    loss = (y_pred - y).pow(2).sum()
    print(t, loss.data[0])
    
    loss.backward()
    
    w1_new.data -= learning_rate * w1_new.grad.data
    w2_new.data -= learning_rate * w2_new.grad.data

    w1_new.grad.data.zero_()
    w2_new.grad.data.zero_()

print(y,y_pred)
